"""The commands of `cryoem`, one a file."""
