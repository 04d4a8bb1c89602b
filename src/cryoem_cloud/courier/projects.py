"""Projects on this computer: which folder is which project, and whether it still is.

`.cryoem/project.toml` binds a folder to a project's id by the folder's path and inode, so that a
renamed folder stays what it was, and a copied one does not pass for the original.
"""

import json
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes, urlsplit

from cryoem_cloud.courier.whole import write_whole
from cryoem_cloud.model.errors import FormatError, NotFoundError, UsageError
from cryoem_cloud.model.paths import label_of
from cryoem_cloud.model.project import Project

__all__ = ["Bond", "attach", "bind", "create", "find_folder", "folder_of", "fork", "open_project"]

_VERSION = 1
_RESTORE = (
    "remove it, then in its project's folder: cryoem project attach URL NAME "
    "(cryoem ls --all --json tells store and project)"
)


class Bond(Enum):
    """How a folder stands to what its project.toml says."""

    SAME = "same"
    RENAMED = "renamed"
    COPIED = "copied"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class _Binding:
    name: str
    store: str
    path: str
    inode: int

    @classmethod
    def read(cls, folder: Path) -> Self:
        file = _file(folder)
        try:
            fields: Mapping[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise FormatError(
                f"{file} is damaged, it is not TOML: {error}", hint=_RESTORE
            ) from error
        version, inode = fields.get("version"), fields.get("inode")
        if isinstance(version, int) and version > _VERSION:
            raise FormatError(f"{file} is of version {version}", hint="update cryoem")
        if not isinstance(version, int) or not isinstance(inode, int):
            raise FormatError(f"{file} is damaged, it lacks its version or inode", hint=_RESTORE)
        name, store, path = (str(fields.get(key, "")) for key in ("name", "store", "path"))
        return cls(name, store, path, inode)

    def write(self, folder: Path) -> None:
        rows = {
            "version": _VERSION,
            "name": self.name,
            "store": self.store,
            "path": self.path,
            "inode": self.inode,
        }
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in rows.items())
        write_whole(_file(folder), text.encode(), mode=0o644)

    def bond(self, folder: Path) -> Bond:
        here = folder.stat().st_ino
        if here == self.inode:
            return Bond.SAME if self.path == folder.as_uri() else Bond.RENAMED
        before = folder_of(self.path)
        copied = before != folder and before.is_dir() and before.stat().st_ino == self.inode
        return Bond.COPIED if copied else Bond.UNCLEAR


def find_folder(start: Path) -> Path | None:
    """The nearest folder at or above `start` that is a project; None if there is none."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if _file(folder).exists()), None)


def folder_of(uri: str) -> Path:
    """The folder that a file:// URI names; any bytes are possible in it."""
    return Path(unquote_to_bytes(urlsplit(uri).path).decode("utf-8", "surrogateescape"))


def open_project(folder: Path) -> Project:
    """The project that `folder` is. A renamed folder is bound anew; a copy becomes a new project.

    Raises:
        NotFoundError: It is none.
        UsageError: The folder is not the one that was bound, and the old one is gone.
    """
    folder = folder.resolve()
    try:
        binding = _Binding.read(folder)
    except FileNotFoundError as error:
        raise NotFoundError(f"{folder} is no project yet", hint="see cryoem connect") from error
    bond = binding.bond(folder)
    if bond is Bond.UNCLEAR:
        raise UsageError(
            f"{folder} says that it is the project {binding.name}, which was "
            f"{folder_of(binding.path)}",
            hint="moved here: cryoem project move; a copy: cryoem project fork",
        )
    if bond is Bond.COPIED:
        return fork(folder)
    if bond is Bond.RENAMED:
        return bind(folder)
    return Project(name=binding.name, store=binding.store, folder=folder)


def create(folder: Path, store: str) -> Project:
    """Make `folder` a new project in that store."""
    folder = folder.resolve()
    name = f"{label_of(folder.name)}-{secrets.token_hex(4)}"
    _Binding(name, store, folder.as_uri(), folder.stat().st_ino).write(folder)
    return Project(name=name, store=store, folder=folder)


def bind(folder: Path) -> Project:
    """Say that the project named in `folder` now lies there."""
    folder = folder.resolve()
    binding = _Binding.read(folder)
    return attach(folder, binding.store, binding.name)


def fork(folder: Path, *, store: str = "") -> Project:
    """Make a copied folder a project of its own, in the same store if none is named."""
    return create(folder, store or _Binding.read(folder.resolve()).store)


def attach(folder: Path, store: str, name: str) -> Project:
    """Make `folder` a place of a project that exists in a store."""
    folder = folder.resolve()
    _Binding(name, store, folder.as_uri(), folder.stat().st_ino).write(folder)
    return Project(name=name, store=store, folder=folder)


def _file(folder: Path) -> Path:
    return folder / ".cryoem" / "project.toml"
