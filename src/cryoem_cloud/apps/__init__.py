"""What we know of the programs that jobs run."""
