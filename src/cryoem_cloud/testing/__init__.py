"""Contract suites, faults and a clock for tests; third-party adapters inherit them.

`store_contract` alone needs pytest.
"""
