"""Where bytes live."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryoem_cloud.ports.classes import Classes
from cryoem_cloud.ports.parts import Parts

__all__ = ["CHUNK_BYTES", "Listed", "Properties", "Store", "Told"]

CHUNK_BYTES = 4 * 1024 * 1024
"""What streams hand over at a time, at most."""


@dataclass(frozen=True, slots=True)
class Properties:
    """What a store is like; capabilities are data, not subclasses."""

    local: bool
    """Its objects are files of this computer."""
    clones: bool
    """`clone_in` and `clone_out` may succeed: its file system has reflinks."""
    sold_by: str = ""
    """Whose prices hold, as the catalogue names them: `aws`, `gs`, `az`; "": it costs nothing."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a listing; `size` in bytes."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a store says of an object without giving its bytes; `size` in bytes."""

    size: int
    check: str = ""
    """The checksum that it has kept since it took the bytes (`model.checks`); "" for none."""


class Store(Protocol):
    """Objects under keys.

    A key is a `/`-separated path of non-empty segments of the characters that `model.paths.escaped`
    leaves, and `%`, `~`, `@`; no segment is `.` or `..`. An object is whole or absent: nobody ever
    sees half of one. What a call has written, every later call by anybody sees. Some stores cannot
    hold both a key and another that continues it after a `/`: the later write raises KeyClashError
    and changes nothing.

    Every call may raise StoreUnreachableError (nothing is known about whether a write happened),
    StoreDeniedError, and on writes NoSpaceError.
    """

    @property
    def url(self) -> str:
        """How users name this store."""
        ...

    @property
    def properties(self) -> Properties:
        """What this store is like."""
        ...

    @property
    def parts(self) -> Parts | None:
        """Uploads in parts, and reading into buffers; None where files are cloned or copied."""
        ...

    @property
    def classes(self) -> Classes | None:
        """Cheaper and slower places for objects; None where there is one for all."""
        ...

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """Store an object whole.

        With `if_absent`, of any number of callers at any time exactly one succeeds.

        Raises:
            ObjectExistsError: With `if_absent`: the key is taken (perhaps by this very call, if an
                earlier try of it was carried out and its reply lost).
        """
        ...

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """As `put`, from pieces of at most CHUNK_BYTES that sum up to `size`; bounded memory.

        An error raised by `chunks` leaves no object and is passed on.
        """
        ...

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """An object's bytes, or the part of them in a range; past the end there are none.

        Raises:
            ObjectMissingError: There is no such object.
        """
        ...

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """As `get`, in pieces of at most CHUNK_BYTES; bounded memory.

        The pieces sum up to what was asked for, or the iteration ends with an error.

        Raises:
            ObjectMissingError: There is no such object.
            CorruptObjectError: The object ends before the range does.
        """
        ...

    def size(self, key: str) -> int:
        """An object's size in bytes.

        Raises:
            ObjectMissingError: There is no such object.
        """
        ...

    def told(self, key: str) -> Told:
        """What the store says of an object; one request, and no bytes.

        Raises:
            ObjectMissingError: There is no such object.
        """
        ...

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """The objects whose keys start with `prefix` and sort after `after`, in order of keys.

        The order is that of the keys' UTF-8 bytes.
        """
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """The distinct segments that directly follow `prefix` and are followed by a `/`, in order.

        `prefix` is empty or ends with `/`.
        """
        ...

    def delete(self, key: str) -> None:
        """See to it that there is no such object; what is gone is done."""
        ...

    def clone_in(self, path: Path, key: str) -> bool:
        """Store a file as an absent object by sharing its blocks; False where that is not possible.

        Later changes of the file do not reach the object. The file's own errors (OSError) are
        passed on.

        Raises:
            ObjectExistsError: The key is taken.
        """
        ...

    def clone_out(self, key: str, path: Path) -> bool:
        """Make an object's bytes a new file by sharing blocks; False where that is not possible.

        The new file's own errors (OSError) are passed on.

        Raises:
            ObjectMissingError: There is no such object; where clones are possible.
        """
        ...
