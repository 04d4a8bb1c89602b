"""Stores that take objects in parts, for tests: in a folder, which outlives us, and failing."""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from zlib import crc32

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectMissingError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.parts import LEAST_PART_BYTES, BrokenOffError, Buffer, Parts, SentPart, Take
from cryoem_cloud.ports.store import Properties, Store
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.filling import Filling
from cryoem_cloud.stores.held import Held
from cryoem_cloud.testing.faults import Fault

__all__ = ["FailingParts", "FolderParts", "PartedStore", "broken", "folder_store", "the_nth"]

_T = TypeVar("_T")


class PartedStore(Held):
    """A store with these parts, and not of this computer."""

    def __init__(self, store: Store, parts: Parts) -> None:
        super().__init__(store)
        self._parts = parts

    @property
    def properties(self) -> Properties:
        """No clones, as they would pass the parts by."""
        return replace(self._store.properties, local=False, clones=False)

    @property
    def parts(self) -> Parts:
        """See the port."""
        return self._parts


class FolderParts:
    """Parts as files below a folder; each takes `lasts_s` to be sent."""

    def __init__(self, store: DirectoryStore, folder: Path, *, lasts_s: float = 0) -> None:
        self._store = store
        self._folder = folder
        self._lasts_s = lasts_s

    def begin(self, key: str) -> str:
        """See the port."""
        upload = secrets.token_hex(8)
        self._of(upload).mkdir(parents=True)
        (self._of(upload) / "key").write_text(key)
        return upload

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """See the port."""
        if not self._of(upload).is_dir():
            raise ObjectMissingError(f"there is no upload {upload} of {key}")
        data = b"".join(pieces)
        with (self._folder / "log").open("a") as log:
            log.write(f"{number}\n")
        time.sleep(self._lasts_s)
        beside = self._of(upload) / f"beside-{number}"
        beside.write_bytes(data)
        beside.replace(self._of(upload) / f"part-{number}")
        return _part(number, data)

    @property
    def log(self) -> list[int]:
        """The numbers of all parts that anybody began to send."""
        log = self._folder / "log"
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    @property
    def uploads(self) -> list[str]:
        """The uploads that are under way."""
        return [path.parent.name for path in self._folder.glob("*/key")]

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        """See the port."""
        if not self._of(upload).is_dir():
            raise ObjectMissingError(f"there is no upload {upload} of {key}")
        found = (
            _part(int(path.name.removeprefix("part-")), path.read_bytes())
            for path in self._of(upload).glob("part-*")
        )
        return tuple(sorted((replace(part, check="") for part in found), key=_number))

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """See the port."""
        there = {part.number: part for part in self.there(key, upload)}
        if any(replace(part, check="") != there.get(part.number) for part in parts):
            raise StoreError(f"{key}: a part is not the one that is there")
        if any(part.size < LEAST_PART_BYTES for part in parts[:-1]):
            raise StoreError(f"{key}: a part is too small")
        data = b"".join((self._of(upload) / f"part-{part.number}").read_bytes() for part in parts)
        self._store.put(key, data, if_absent=if_absent)
        self.abort(key, upload)

    def abort(self, key: str, upload: str) -> None:
        """See the port."""
        for path in sorted(self._of(upload).glob("*"), reverse=True):
            path.unlink(missing_ok=True)
        if self._of(upload).is_dir():
            self._of(upload).rmdir()

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        """See the port."""
        filling = Filling(buffer, length, take)
        data = self._store.get(key, start=start, length=filling.length)
        if len(data) < filling.length:
            raise CorruptObjectError(f"{key} is too short")
        filling.fill(data)

    def _of(self, upload: str) -> Path:
        return self._folder / upload


class FailingParts:
    """Parts of which `plan` says, by a call's name, what happens.

    `garble` says of bytes that were read whether one of them is wrong.
    """

    def __init__(
        self, parts: Parts, plan: Callable[[str], Fault], garble: Callable[[], bool]
    ) -> None:
        self._parts = parts
        self._plan = plan
        self._garble = garble
        self.late: list[Callable[[], object]] = []

    def begin(self, key: str) -> str:
        """See the port."""
        return self._do("begin", lambda: self._parts.begin(key))

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """See the port."""
        held = b"".join(pieces)
        return self._do("send", lambda: self._parts.send(key, upload, number, [held]))

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        """See the port."""
        return self._do("there", lambda: self._parts.there(key, upload))

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """See the port."""
        self._do("complete", lambda: self._parts.complete(key, upload, parts, if_absent=if_absent))

    def abort(self, key: str, upload: str) -> None:
        """See the port."""
        self._do("abort", lambda: self._parts.abort(key, upload))

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        """See the port; it breaks off in the middle, or before anything has come."""

        wrong = self._garble()

        def garbled(view: memoryview) -> None:
            nonlocal wrong
            view[len(view) // 2] ^= wrong
            wrong = False
            if take:
                take(view)

        fault, whole = self._plan("read_into"), len(buffer) if length is None else length
        come = {Fault.NONE: whole, Fault.LOST: whole // 2}.get(fault, 0)
        self._parts.read_into(key, start, buffer, length=come, take=garbled)
        if fault is not Fault.NONE:
            raise BrokenOffError(StoreUnreachableError(f"read_into: {fault.value}"), come)

    def land(self) -> None:
        """Let what is late happen; nobody hears how it went."""
        for act in self.late:
            with suppress(StoreError):
                act()
        self.late.clear()

    def _do(self, call: str, act: Callable[[], _T]) -> _T:
        fault = self._plan(call)
        if fault is Fault.LATE:
            self.late.append(act)
        if fault is Fault.LOST:
            act()
        if fault is not Fault.NONE:
            raise StoreUnreachableError(f"{call}: {fault.value}")
        return act()


def folder_store(folder: Path, *, lasts_s: float = 0) -> tuple[PartedStore, FolderParts]:
    """A store in that folder whose objects may come in parts, and these."""
    held = DirectoryStore(folder / "store")
    parts = FolderParts(held, folder / "uploads", lasts_s=lasts_s)
    return PartedStore(held, parts), parts


def _part(number: int, data: bytes) -> SentPart:
    check = f"{crc32(data):08x}"
    return SentPart(number=number, size=len(data), tag=f"tag-{check}", check=check)


def _number(part: SentPart) -> int:
    return part.number


def broken(
    tmp_path: Path, plan: Callable[[str], Fault], *, lasts_s: float = 0
) -> tuple[PartedStore, PartedStore, FailingParts]:
    """A store that fails as planned, and the same one whole."""
    store, parts = folder_store(tmp_path, lasts_s=lasts_s)
    failing = FailingParts(parts, plan, lambda: False)
    return PartedStore(DirectoryStore(tmp_path / "store"), failing), store, failing


def the_nth(call: str, n: int, fault: Fault) -> Callable[[str], Fault]:
    seen = [0]

    def plan(name: str) -> Fault:
        seen[0] += name == call
        return fault if name == call and seen[0] == n else Fault.NONE

    return plan
