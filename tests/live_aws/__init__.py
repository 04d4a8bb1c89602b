"""`make live-aws`: what was proven with a simulated AWS, tried once at Amazon, for some cents."""
