"""What jobs took, so that later plans know, and how long running ones take yet."""
