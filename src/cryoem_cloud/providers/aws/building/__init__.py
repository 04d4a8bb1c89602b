"""Machine images: built on a machine for that by a script of the user's, listed, removed."""
