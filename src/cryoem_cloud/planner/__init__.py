"""Which machines a job gets."""
