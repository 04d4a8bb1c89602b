"""The protocols between our programs and the world; their docstrings are contracts."""
