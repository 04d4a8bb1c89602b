"""Comparing a project's files with the store's, and mending what can be mended."""

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.keys import apart_key, mirror_key, unremoved_key
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.engine import FETCH_BYTES, Engine
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.mover.stamp import stamp_of
from cryoem_cloud.mover.verify import Finding, Proof, look_here, look_there
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.words import IndexWords

__all__ = ["Repairs", "Verdict", "verdicts"]

_STREAMS = 8
_BAD = {Finding.DAMAGED, Finding.MISSING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of one file, what was done about it, and why nothing was ("": neither)."""

    entry: Entry
    here: Finding
    there: Finding
    proof: Proof
    mended: str = ""
    refused: str = ""

    @property
    def bad(self) -> bool:
        """Whether one of the two is not what it should be, and still is not."""
        return not self.mended and (self.here is Finding.DAMAGED or self.there in _BAD)

    @property
    def unread(self) -> bool:
        """Whether it had to be read, and could not."""
        return self.there is Finding.ARCHIVED

    def told(self) -> str:
        """For people."""
        here = f"{self.here.value} here" if self.here is Finding.DAMAGED else self.here.value
        there = f"{self.there.value} in the store"
        done = "".join(f"; {words}" for words in (self.mended, self.refused) if words)
        if self.there is Finding.GOOD:
            return f"{here}{done}"
        here = "good here" if self.here is Finding.GOOD else here
        return f"{there}, {here}{done}"

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "path": self.entry.path,
            "here": self.here.name.lower(),
            "store": self.there.name.lower(),
            "by": self.proof.value,
            "mended": self.mended,
        }


def verdicts(
    store: Store, project: Project, files: Sequence[Entry], *, deep: bool
) -> Iterator[Verdict]:
    """Look at each file, here and in the store; objects that files share are asked for once."""
    told = cache(store.told)

    def one(entry: Entry) -> Verdict:
        path = project.folder / entry.path
        here = look_here(entry, path)
        there, proof = look_there(
            store,
            project.name,
            entry,
            room=project.folder / ".cryoem",
            told=told,
            deep=deep,
            good=path if here is Finding.GOOD else None,
            engine=engine,
        )
        return Verdict(entry=entry, here=here, there=there, proof=proof)

    with (
        Engine(memory_bytes=FETCH_BYTES) as engine,
        ThreadPoolExecutor(max_workers=_STREAMS) as pool,
    ):
        yield from pool.map(one, files)


class Repairs:
    """Mends files of a project, one after the other.

    What is sent again is sent as any file, by the engine, and once for all files of that content.
    """

    def __init__(self, store: Store, project: Project, engine: Engine | None = None) -> None:
        self._store, self._project, self._engine = store, project, engine
        self._words = IndexWords(IndexLog(store, project.name))
        self._sent: dict[str, Content] = {}

    def repaired(self, verdict: Verdict, *, refusal: str = "") -> Verdict:
        """Mend a side by the other one, where that one is good; the verdict after that.

        What was changed here since it was stored is left as it is, and so is what must not be
        written here: `refusal` says why.
        """
        path = self._project.folder / verdict.entry.path
        if verdict.there in _BAD and verdict.here is Finding.GOOD:
            self._send_again(verdict.entry, path)
            return replace(verdict, mended="sent again")
        if verdict.there is Finding.GOOD and verdict.here is Finding.DAMAGED:
            if refusal:
                return replace(verdict, refused=refusal)
            place_file(self._store, self._project.name, verdict.entry, path)
            return replace(verdict, mended="brought home again")
        return verdict

    def _send_again(self, entry: Entry, path: Path) -> None:
        """Send the file, and once more where its object is removed by then."""
        digest = entry.content.digest if entry.content else ""
        while True:
            self._words.read_on()
            content = self._sent.get(digest) or self._kept(entry, path)
            again = replace(entry, content=content, mtime_ns=stamp_of(path).mtime_ns)
            self._words.log.append(f"verify {secrets.token_hex(8)}", [again])
            self._words.read_on()
            if content.key not in self._words.removed:
                self._sent[digest] = self._sent[content.digest] = content
                return
            self._sent.pop(digest, None)

    def _was_removed(self, key: str) -> bool:
        return any(one == key or one.startswith(f"{key}~") for one in self._words.removed)

    def _kept(self, entry: Entry, path: Path) -> Content:
        """Sent as it is if it needed a gain: that may be what was damaged."""
        gained = entry.content and entry.content.gain
        engine = None if gained else self._engine
        keep = partial(keep_file, self._store, path, project=self._project.name, engine=engine)
        key = unremoved_key(mirror_key(entry.path), self._was_removed)
        try:
            return keep(key=key)[1]
        except StoreUnreachableError:  # the server cannot read what it has there
            return keep(key=apart_key(key))[1]
