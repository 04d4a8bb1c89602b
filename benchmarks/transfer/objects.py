"""What the null sink holds: objects, and uploads in parts. No input or output, no clock.

A body is pieces: bytes that were kept, or how many bytes were not.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Bucket", "Held", "Page", "Part", "Piece", "Upload", "cut", "size_of"]

Piece = bytes | int


def size_of(pieces: Iterable[Piece]) -> int:
    """How many bytes they stand for."""
    return sum(piece if isinstance(piece, int) else len(piece) for piece in pieces)


def cut(pieces: Iterable[Piece], start: int, length: int) -> Iterator[Piece]:
    """The pieces of a range; fewer where the body ends before."""
    for piece in pieces:
        size = size_of((piece,))
        if start >= size:
            start -= size
            continue
        take = min(size - start, length)
        if take <= 0:
            return
        yield take if isinstance(piece, int) else piece[start : start + take]
        start, length = 0, length - take


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an upload, and the checksum headers that came with it."""

    body: tuple[Piece, ...]
    etag: str
    checksums: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """An object; `modified_s` since 1970, `headers` are the user's metadata and checksums."""

    body: tuple[Piece, ...]
    etag: str
    modified_s: float
    headers: Mapping[str, str]


@dataclass(slots=True)
class Upload:
    """An upload that is under way."""

    key: str
    headers: Mapping[str, str]
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Keys and folders of a listing; `after` is where the next page goes on, "" at the end."""

    keys: tuple[str, ...]
    folders: tuple[str, ...]
    after: str


class Bucket:
    """Objects and uploads by name. Keys are sorted when they are listed, not when they come."""

    def __init__(self) -> None:
        self.objects: dict[str, Held] = {}
        self.uploads: dict[str, Upload] = {}
        self._sorted: list[str] = []
        self._stale = False

    def put(self, key: str, held: Held) -> None:
        """Hold an object, instead of another of that key."""
        self._stale = self._stale or key not in self.objects
        self.objects[key] = held

    def remove(self, key: str) -> None:
        """Hold it no longer, if it is there."""
        self._stale = self.objects.pop(key, None) is not None or self._stale

    def page(self, prefix: str, *, after: str, delimiter: str, most: int) -> Page:
        """What comes after `after` in a listing, at most so many keys and folders."""
        keys, folders = list[str](), list[str]()
        ordered, last = self._keys(), ""
        at = bisect_right(ordered, max(after, prefix))
        if at and ordered[at - 1] == prefix > after:
            at -= 1  # the prefix is a key itself
        while at < len(ordered) and ordered[at].startswith(prefix):
            if len(keys) + len(folders) == most:
                return Page(tuple(keys), tuple(folders), last)
            key = ordered[at]
            cut_at = key.find(delimiter, len(prefix)) if delimiter else -1
            if cut_at < 0:
                keys.append(key)
                at, last = at + 1, key
            else:
                folder = key[: cut_at + len(delimiter)]
                folders.append(folder)
                last = folder + chr(0x10FFFF)  # behind all that is in the folder
                at = bisect_right(ordered, last)
        return Page(tuple(keys), tuple(folders), "")

    def _keys(self) -> list[str]:
        if self._stale:
            self._sorted, self._stale = sorted(self.objects), False
        return self._sorted
