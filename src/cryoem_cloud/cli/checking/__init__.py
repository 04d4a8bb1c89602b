"""What is looked at where something does not work."""
