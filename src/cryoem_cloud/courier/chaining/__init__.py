"""Jobs that go on after others."""
