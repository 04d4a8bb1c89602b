"""In which phase a job is, by the keys that its store has: told as they are written, or looked up.

Through a proxy a phase is seen before the writer hears that it has written, so that what is to
happen then happens at that very instant.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.ports.store import Store
from tests.chaos.plan import Phase

__all__ = ["Place", "Sight", "keys_in_folder", "written_key"]

_TURN = re.compile(r"turns/(?P<task>[^/]+)/(?P<number>\d{6})")
_PAGE = re.compile(r"machines/(?P<machine>[^/]+)/journal/(?P<number>\d{8})")
_SENDING_LAST = "sending the last outputs"


@dataclass(frozen=True, slots=True)
class Place:
    """A task's turn that is in a phase, and its machine; neither, where the phase has none.

    Of a write `turn` is its number.
    """

    task: str = ""
    turn: int = 0
    machine: str = ""


@dataclass
class Sight:
    """A job's keys, as far as they are known. `store` gives their bytes, undisturbed."""

    store: Store
    project: str
    job: int
    changed: Callable[[], None] = lambda: None
    _keys: set[str] = field(default_factory=set)
    _turns: dict[str, dict[int, Turn]] = field(default_factory=dict)
    _pages: dict[str, set[int]] = field(default_factory=dict)
    _sending_last: set[tuple[str, int]] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def _prefix(self) -> str:
        return f"{self.project}/jobs/{self.job:08d}/"

    def note(self, keys: set[str]) -> None:
        """Learn that these keys are there."""
        with self._lock:
            fresh = keys - self._keys
            self._keys |= fresh
            for key in sorted(key for key in fresh if key.startswith(self._prefix)):
                with suppress(StoreError):
                    self._learn(key.removeprefix(self._prefix), key)
        if fresh:
            self.changed()

    def _learn(self, name: str, key: str) -> None:
        if found := _TURN.fullmatch(name):
            turn = Turn.from_bytes(self.store.get(key))
            self._turns.setdefault(found["task"], {})[turn.number] = turn
        elif found := _PAGE.fullmatch(name):
            self._pages.setdefault(found["machine"], set()).add(int(found["number"]))
            page = Page.from_bytes(self.store.get(key))
            if page.phase == _SENDING_LAST:
                self._sending_last.add((page.task, page.turn))

    @property
    def taken_over(self) -> int:
        """How many claims follow another machine's claim."""
        with self._lock:
            return sum(
                turn.deed is before.deed is Deed.CLAIM
                for turns in self._turns.values()
                for number, turn in turns.items()
                if (before := turns.get(number - 1))
            )

    def where(self, phase: Phase) -> tuple[Place, ...]:
        """What is in that phase now."""
        with self._lock:
            if phase is Phase.SENDING:
                sent = any(key.startswith(f"{self.project}/mirror/") for key in self._keys)
                return (Place(),) if sent and f"{self._prefix}ready" not in self._keys else ()
            if phase is Phase.WRITE:
                machine = next((place.machine for place in self._held()), "")
                written = sum(key.startswith(self._prefix) for key in self._keys)
                return (Place("", written, machine),) if written else ()
            if phase in {Phase.PUBLISHING, Phase.COMING}:
                return tuple(self._ended(published=phase is Phase.COMING))
            return tuple(place for place in self._held() if self._is_in(place, phase))

    def _held(self) -> Iterator[Place]:
        for task, turns in self._turns.items():
            last = turns[max(turns)]
            if last.deed is Deed.CLAIM:
                yield Place(task, last.number, last.holder)

    def _ended(self, *, published: bool) -> Iterator[Place]:
        turns = self._turns.get(MAIN, {})
        last = turns.get(max(turns, default=0))
        if last is None or last.deed is not Deed.DONE:
            return
        if published is (f"{self._prefix}end" in self._keys):
            yield Place(MAIN, last.number, last.holder)

    def _is_in(self, place: Place, phase: Phase) -> bool:
        manifest = f"{self._prefix}out/{place.task}/{place.turn:06d}/@manifest" in self._keys
        match phase:
            case Phase.CLAIMED:
                return not self._pages.get(place.machine)
            case Phase.RUNNING:
                sending = (place.task, place.turn) in self._sending_last
                return bool(self._pages.get(place.machine)) and not sending
            case Phase.LAST:
                return (place.task, place.turn) in self._sending_last and not manifest
            case Phase.MANIFEST:
                return manifest
            case Phase.JOINING:
                return place.task == MAIN
        raise AssertionError(phase)


def keys_in_folder(store: Path, project: str) -> set[str]:
    """The keys of a project that a directory store has, as far as runs look at them."""
    found: set[str] = set()
    jobs = store / project / "jobs"
    for top, _, names in os.walk(jobs):
        found.update(f"{top}/{name}" for name in names)
    with suppress(FileNotFoundError), os.scandir(store / project / "mirror") as items:
        found.update(item.path for item in islice(items, 1))
    return {key.removeprefix(f"{store}/") for key in found}


def written_key(request: str, prefix: str) -> str | None:
    """The key that a request to S3 has written, below `prefix` ("/bucket/path/"); None: none."""
    method, _, path = request.partition(" ")
    path, _, query = path.partition("?")
    path = unquote(path)
    part = method == "PUT" and "partNumber" in query
    whole = method == "PUT" or (method == "POST" and "uploadId=" in query)
    if part or not whole or not path.startswith(prefix):
        return None
    return path.removeprefix(prefix)
