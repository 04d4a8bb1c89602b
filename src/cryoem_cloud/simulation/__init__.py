"""What would happen: jobs under a simulated clock, by the code that runs real ones."""
