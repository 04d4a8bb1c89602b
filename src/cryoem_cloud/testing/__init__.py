"""Contract suites, faults, real S3 servers and a clock, for our tests and other adapters'.

The contract suites alone need pytest.
"""
