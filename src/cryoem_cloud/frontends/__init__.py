"""Who hands jobs to us as if we were a queue."""
