"""What the pipeliner's scripts start."""
