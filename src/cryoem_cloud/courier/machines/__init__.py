"""Which machines a job gets, for how long, and that none outlives it."""
