"""How much the store holds, folder by folder."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.record import JSON

__all__ = ["Used", "folders_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A folder with all that is below it: bytes of its files, and of what is stored of them."""

    name: str
    files: int
    size: int
    stored: int

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "folder": self.name,
            "files": self.files,
            "bytes": self.size,
            "stored_bytes": self.stored,
        }


def folders_of(files: Iterable[Entry], below: str) -> list[Used]:
    """The folders in a folder, and the folder for the files in it, in order of names."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in files:
        found[_folder(entry.path, below)].append(entry)
    return [
        Used(
            name=name,
            files=len(found[name]),
            size=sum(entry.size for entry in found[name]),
            stored=sum(_ranges(found[name]).values()),
        )
        for name in sorted(found)
    ]


def _folder(path: str, below: str) -> str:
    inner = path if below == "." else path[len(below) + 1 :]
    first, slash, _ = inner.partition("/")
    return posixpath.normpath(posixpath.join(below, first)) if slash else below


def _ranges(files: Iterable[Entry]) -> dict[tuple[str, int], int]:
    """The ranges of objects that hold the files' bytes, each once, with their lengths."""
    contents = (entry.content for entry in files)
    return {(each.key, each.start): each.stored for each in contents if each is not None}
