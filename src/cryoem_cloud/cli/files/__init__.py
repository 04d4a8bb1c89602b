"""What the commands that move files share."""
