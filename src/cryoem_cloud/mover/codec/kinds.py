"""Which files resemble each other enough to be encoded in the same way."""

import struct
from pathlib import PurePath

__all__ = ["kind_of"]

_MRC = frozenset({".mrc", ".mrcs", ".map", ".st", ".ali", ".rec"})
_MODE = slice(12, 16)
_OTHER = "other"


def kind_of(name: str, head: bytes) -> str:
    """A word that files of one kind share; `head` has a file's first bytes (1024 are enough).

    The ending of the name, and of an MRC file its mode (https://www.ccpem.ac.uk/mrc-format), since
    counts and micrographs both end with .mrc. Numbers at the end of a name are no ending.
    """
    ending = PurePath(name).suffix.lower()
    if not ending.strip(".0123456789"):
        ending = _OTHER
    if ending in _MRC and len(head) >= _MODE.stop:
        return f"{ending}:{struct.unpack('<i', head[_MODE])[0]}"
    return ending
