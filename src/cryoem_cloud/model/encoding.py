"""Which encodings a user may ask for."""

from enum import Enum

__all__ = ["Encoding"]


class Encoding(Enum):
    """What a user may ask for."""

    AUTO = "auto"
    """In the way that suits a file best; our decoder reads it."""
    PLAIN = "plain"
    """As `.zst` that other programs read."""
    NONE = "none"
    """As it is."""
