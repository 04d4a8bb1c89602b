"""What the commands about jobs share."""
