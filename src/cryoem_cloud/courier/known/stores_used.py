"""Which store this user's files of a project's folder go to, as this computer remembers it.

`.cryoem/project.toml` may be written by others who work in the folder; what is remembered is in the
user's own state folder. So a file that suddenly names another store is noticed before any byte of
the user's goes there.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.errors import FormatError, RefusedError
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import decode, encode, integer, text

__all__ = ["StoresUsed", "Use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A folder and its inode, and the project and store that it was used with."""

    folder: Path
    inode: int
    name: str
    store: str

    @classmethod
    def of(cls, project: Project) -> Self:
        """How the project's folder is used now."""
        return cls(
            folder=project.folder,
            inode=project.folder.stat().st_ino,
            name=project.name,
            store=project.store,
        )

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "use",
            {
                "folder": str(self.folder),
                "inode": self.inode,
                "name": self.name,
                "store": self.store,
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no use of a folder.
        """
        fields = decode("use", data)
        return cls(
            folder=Path(text(fields, "folder")),
            inode=integer(fields, "inode"),
            name=text(fields, "name"),
            store=text(fields, "store"),
        )


class StoresUsed:
    """The uses below one folder, a small file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def require(self, project: Project, *, agree: str) -> None:
        """See to it that the project's files go where they went before, or went nowhere yet.

        A folder is known again under its path, under its inode where it was moved, as a place of
        the same project, and as one below a folder that is known. `agree` is the command by which
        the user says that another store is right.

        Raises:
            RefusedError: This user has used it with another store.
        """
        now = Use.of(project)
        before = self._read(self._file(now))
        known = [before] if before else [use for use in self._all() if _meant(use, now)]
        if known and all(use.store != now.store for use in known):
            raise RefusedError(
                f"{project.folder} names the store {now.store} now, and you have used it with "
                f"{known[0].store}; nothing is sent",
                hint=f"if it was not you, ask who may write there; to agree: {agree}",
            )

    def remember(self, project: Project) -> None:
        """Take it that the user wants the project's files in its store."""
        use = Use.of(project)
        if self._read(self._file(use)) != use:
            write_whole(self._file(use), use.to_bytes())

    def _file(self, use: Use) -> Path:
        name = hashlib.sha256(os.fsencode(use.folder)).hexdigest()[:16]
        return self._folder / f"{name}.json"

    def _all(self) -> Iterator[Use]:
        for file in sorted(self._folder.glob("*.json")):
            if (use := self._read(file)) is not None:
                yield use

    def _read(self, file: Path) -> Use | None:
        with suppress(FileNotFoundError, FormatError):
            return Use.from_bytes(file.read_bytes())
        return None


def _meant(before: Use, now: Use) -> bool:
    """Whether a folder that is not known under its path may be one that is known otherwise."""
    moved = before.inode == now.inode and not before.folder.exists()
    return before.name == now.name or moved or before.folder in now.folder.parents
