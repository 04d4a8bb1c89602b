"""From what machines tell to files at home."""
