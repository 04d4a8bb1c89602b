"""What this computer knows: slips, cards, projects, and a cache that can be thrown away."""
