"""Moving bytes between folders and a store."""
