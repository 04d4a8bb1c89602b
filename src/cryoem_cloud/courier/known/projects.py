"""Projects on this computer: which folder is which project, and whether it still is.

`.cryoem/project.toml` binds a folder to a project's id by the folder's path and inode, so that a
renamed folder stays what it was, and a copied one does not pass for the original. Others may be
able to write that file: whether it names the store that this user has agreed to is asked of
`stores_used`, and what is done here as the user says so is remembered there.
"""

import json
import re
import secrets
import shlex
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes, urlsplit

from cryoem_cloud.courier.known.stores_used import StoresUsed
from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.errors import FormatError, NotFoundError, UsageError
from cryoem_cloud.model.paths import label_of
from cryoem_cloud.model.project import Project
from cryoem_cloud.stores.shared import make_folder, share

__all__ = [
    "Bond",
    "attach",
    "bind",
    "create",
    "find_folder",
    "folder_of",
    "fork",
    "named_in",
    "open_project",
]

_VERSION = 1
_NAME = re.compile(r"[a-z0-9-]+")
"""Names of projects are parts of the names of files on this computer."""
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
        if not _NAME.fullmatch(name):
            raise FormatError(f"{file} is damaged, {name!r} is no project's name", hint=_RESTORE)
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
        make_folder(_file(folder).parent, folder)
        write_whole(_file(folder), text.encode(), mode=0o644)
        with suppress(FileNotFoundError):  # another user has written it anew just now
            share(_file(folder), folder)

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


def named_in(folder: Path) -> Project:
    """The project that `folder` says it is, believed without a look at anything else.

    Raises:
        NotFoundError: It says nothing.
        FormatError: What it says cannot be read.
    """
    folder = folder.resolve()
    try:
        binding = _Binding.read(folder)
    except FileNotFoundError as error:
        raise NotFoundError(f"{folder} is no project yet", hint="see cryoem connect") from error
    return Project(name=binding.name, store=binding.store, folder=folder)


def open_project(folder: Path, used: StoresUsed) -> Project:
    """The project that `folder` is. A renamed folder is bound anew; a copy becomes a new project.

    Raises:
        NotFoundError: It is none.
        UsageError: The folder is not the one that was bound, and the old one is gone.
        RefusedError: It names another store than the one that this user's files of it went to.
    """
    project = named_in(folder)
    binding = _Binding.read(project.folder)
    bond = binding.bond(project.folder)
    copied = bond is Bond.COPIED
    used.require(project, agree=_fork_into(project) if copied else _attach_to(project))
    if bond is Bond.UNCLEAR:
        raise UsageError(
            f"{project.folder} says that it is the project {binding.name}, which was "
            f"{folder_of(binding.path)}",
            hint="moved here: cryoem project move; a copy: cryoem project fork",
        )
    if copied:
        return create(folder, project.store, used)
    if bond is Bond.RENAMED:
        return attach(folder, project.store, project.name, used)
    used.remember(project)
    return project


def create(folder: Path, store: str, used: StoresUsed) -> Project:
    """Make `folder` a new project in that store."""
    name = f"{label_of(folder.resolve().name)}-{secrets.token_hex(4)}"
    return attach(folder, store, name, used)


def bind(folder: Path, used: StoresUsed) -> Project:
    """Say that the project named in `folder` now lies there.

    Raises:
        RefusedError: It names another store than the one that this user's files of it went to.
    """
    project = named_in(folder)
    used.require(project, agree=_attach_to(project))
    return attach(folder, project.store, project.name, used)


def fork(folder: Path, used: StoresUsed, *, store: str = "") -> Project:
    """Make a copied folder a project of its own, in the same store if none is named.

    Raises:
        RefusedError: None is named, and the folder names another than the one that this user's
            files of it went to.
    """
    if not store:
        project = named_in(folder)
        used.require(project, agree=_fork_into(project))
        store = project.store
    return create(folder, store, used)


def attach(folder: Path, store: str, name: str, used: StoresUsed) -> Project:
    """Make `folder` a place of a project that exists in a store."""
    folder = folder.resolve()
    _Binding(name, store, folder.as_uri(), folder.stat().st_ino).write(folder)
    project = Project(name=name, store=store, folder=folder)
    used.remember(project)
    return project


def _attach_to(project: Project) -> str:
    """The command by which a user agrees to what the folder says."""
    return shlex.join(("cryoem", "project", "attach", project.store, project.name))


def _fork_into(project: Project) -> str:
    """The command by which a user agrees to the store of a copied folder."""
    return shlex.join(("cryoem", "project", "fork", "--store", project.store))


def _file(folder: Path) -> Path:
    return folder / ".cryoem" / "project.toml"
