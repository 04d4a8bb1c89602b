"""Comparing a project's files with the store's, and mending what can be mended."""

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.keys import apart_key, mirror_key
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.engine import FETCH_BYTES, Engine
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.mover.verify import Finding, Proof, look_here, look_there
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.index import IndexLog

__all__ = ["Verdict", "repaired", "verdicts"]

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


def repaired(store: Store, project: Project, verdict: Verdict, *, refusal: str = "") -> Verdict:
    """Mend a side by the other one, where that one is good; the verdict after that.

    What was changed here since it was stored is left as it is, and so is what must not be written
    here: `refusal` says why.
    """
    path = project.folder / verdict.entry.path
    if verdict.there in _BAD and verdict.here is Finding.GOOD:
        _send_again(store, project, verdict.entry, path)
        return replace(verdict, mended="sent again")
    if verdict.there is Finding.GOOD and verdict.here is Finding.DAMAGED:
        if refusal:
            return replace(verdict, refused=refusal)
        place_file(store, project.name, verdict.entry, path)
        return replace(verdict, mended="brought home again")
    return verdict


def _send_again(store: Store, project: Project, entry: Entry, path: Path) -> None:
    key = mirror_key(entry.path)
    try:
        stamp, content = keep_file(store, path, project=project.name, key=key)
    except StoreUnreachableError:  # the server cannot read what it has there
        stamp, content = keep_file(store, path, project=project.name, key=apart_key(key))
    again = replace(entry, content=content, mtime_ns=stamp.mtime_ns)
    IndexLog(store, project.name).append(f"verify {secrets.token_hex(8)}", [again])
