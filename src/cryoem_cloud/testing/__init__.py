"""Contract suites, faults and a clock for tests; third-party adapters inherit them."""
