"""How the bytes of files may be stored, as users say it."""

from enum import Enum

__all__ = ["Encoding"]


class Encoding(Enum):
    """What may be done to bytes on their way to a store."""

    AUTO = "auto"
    """What is quickest, for micrographs too; read by us, or by the decoder in the store."""
    PLAIN = "plain"
    """As they are, or as `zstd -d` reads them."""
    NONE = "none"
    """As they are."""
