"""Which keys there may be, for every store alike."""

import re

from cryoem_cloud.model.errors import StoreError

__all__ = ["LONGEST_KEY", "lawful"]

LONGEST_KEY = 1024
"""Bytes; what S3 allows."""

_SEGMENT = r"[^\x00-$&-*/:-<>?\[-^`{-}\x7f]+"
"""Of ASCII letters, digits and _.+=,%~@-. Said by what is left out, it compiles 20 times faster."""
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_DOTS = re.compile(r"(?:^|/)\.\.?(?:/|$)")


def lawful(key: str, *, prefix: str = "") -> str:
    """`prefix` and `key`, as one key that every store can hold.

    Raises:
        StoreError: A segment is empty, `.` or `..`, a character needs escaping, or it is too long.
    """
    whole = prefix + key
    if not _KEY.fullmatch(key) or _DOTS.search(key) or not _fits(whole):
        raise StoreError(f"{key!r} is not a key", hint="keys are made by cryoem_cloud.model.keys")
    return whole


def _fits(key: str) -> bool:
    try:
        return len(key.encode()) <= LONGEST_KEY
    except UnicodeEncodeError:
        return False
