"""Files that go with another of nearly the same name: mic_1_PS.mrc beside mic_1.mrc."""

import posixpath
from collections.abc import Collection

__all__ = ["companion_ending"]


def companion_ending(path: str, beside: Collection[str]) -> str:
    """`_PS.mrc`, where the path without `_PS` is among those `beside`; "" where it is not."""
    root, ending = posixpath.splitext(path)
    lead, line, word = root.rpartition("_")
    goes_with = line and "/" not in word and lead + ending in beside
    return f"_{word}{ending}" if goes_with else ""
