"""Machines of Amazon's EC2: one Auto Scaling group a launch attempt (decision 0012)."""
