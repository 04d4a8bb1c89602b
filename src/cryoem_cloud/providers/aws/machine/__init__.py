"""What a machine of EC2's does for itself: boots, asks AWS about itself, ends."""
