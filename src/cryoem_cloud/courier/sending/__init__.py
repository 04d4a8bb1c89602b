"""From what a job reads to bytes in the store."""
