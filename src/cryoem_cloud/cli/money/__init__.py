"""What the commands about plans, prices and costs share."""
