"""Writes into a file that has its size already, and leaves holes where there are zeros."""

import os

__all__ = ["write_at"]

_ZEROS = bytes(256 * 1024)
"""Fewer at a time are written: a file of many small holes is slow to read."""


def write_at(descriptor: int, at: int, view: memoryview, *, holes: bool) -> None:
    """Write the bytes there; with `holes`, of a file that has nothing there, only where needed."""
    begin = 0
    for start in range(0, len(view), len(_ZEROS)) if holes else ():
        piece = view[start : start + len(_ZEROS)]
        if _ZEROS.startswith(piece):
            _write(descriptor, at + begin, view[begin:start])
            begin = start + len(piece)
    _write(descriptor, at + begin, view[begin:])


def _write(descriptor: int, at: int, view: memoryview) -> None:
    while view:
        count = os.pwrite(descriptor, view, at)
        at += count
        view = view[count:]
