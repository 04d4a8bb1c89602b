"""Contract suites, faults, real S3 servers and a clock for tests; third-party adapters inherit them.

The contract suites alone need pytest.
"""
