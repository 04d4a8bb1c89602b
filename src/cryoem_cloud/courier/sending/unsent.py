"""A file of which the store may not have the bytes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryoem_cloud.model.digest import block_digest
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry, Stamp
from cryoem_cloud.mover.stamp import stamp_from

__all__ = ["Place", "Sent", "Unsent"]

Place = tuple[int, Stamp]
Sent = tuple[Stamp, Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """A file of which the store may not have the bytes. `seen`: the index knows its path.

    Of the same `place`, a device and what `stat` says, are names of one file.
    """

    path: str
    file: Path
    stamp: Stamp
    place: Place
    mode: int
    seen: bool

    @classmethod
    def at(cls, path: str, file: Path, found: os.stat_result, *, seen: bool) -> Self:
        """The file that lies there, by what `stat` says.

        Raises:
            RefusedError: It is a device, a socket or a pipe.
        """
        stamp = stamp_from(file, found)
        return cls(
            path=path,
            file=file,
            stamp=stamp,
            place=(found.st_dev, stamp),
            mode=found.st_mode & 0o777,
            seen=seen,
        )

    def beginning(self) -> str:
        """The digest of its first block."""
        with self.file.open("rb", buffering=0) as file:
            return block_digest(file.read(BLOCK_BYTES))

    def entry(self, sent: Sent) -> Entry:
        """Its entry, once its bytes are somewhere."""
        stamp, content = sent
        return Entry(path=self.path, mtime_ns=stamp.mtime_ns, mode=self.mode, content=content)
