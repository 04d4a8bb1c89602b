"""A job in pieces, for tests: its machines are threads of this process, its store can be slow."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Event

from cryoem_cloud.agent.work import Agent
from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.model.job import Job, Need, Wish
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.machine_self import Unbothered
from cryoem_cloud.wiring.clock import SystemClock
from tests.courier.conftest import FOLDER, Bench
from tests.piecework import LIST, Piecework, script_of

__all__ = ["Hands", "Myself", "Raw", "Slow", "pieced", "run"]


class Raw(Piecework):
    """Its items are files."""

    def needs(self, job: Job, view: View) -> Iterator[Need]:
        with view.open(LIST) as file:
            items = file.read().decode().split()
        yield Need(path=LIST)
        yield from (Need(path=f"raw/{item}", asked_by=LIST) for item in items)


@dataclass
class Myself(Unbothered):
    name: str
    left: bool = False

    def up(self) -> None:
        return

    def worked(self) -> None:
        return

    def leave(self, *, last: bool) -> None:
        self.left = True


@dataclass
class Hands:
    """A provider of machines that are threads of this process."""

    bench: Bench
    scratch: Path
    name: str = "hands"
    sells: bool = False
    region: str = ""
    store: str = ""
    machines: dict[str, tuple[Myself, threading.Thread]] = field(default_factory=dict)

    def shape(self, offer: Offer) -> Shape:
        return Shape(cores=1, memory_gib=1.0, fixed=True)

    def keep(self, order: Order) -> Fleet:
        for at in range(order.count):
            if (name := f"{order.token}-{at}") not in self.machines:
                self.start(name)
        return self.look(order.token)

    def start(self, name: str) -> None:
        myself = Myself(name)
        agent = Agent(
            records=self.bench.records,
            myself=myself,
            application=lambda _: Raw(),
            scratch=self.scratch / name,
            environment={"PATH": os.environ["PATH"]},
            umask=None,
            clock=SystemClock(),
        )
        thread = threading.Thread(target=agent.live)
        thread.start()
        self.machines[name] = myself, thread

    def look(self, token: str) -> Fleet:
        machines = tuple(
            Machine(name=name, state=State.UP if thread.is_alive() else State.LEFT)
            for name, (_, thread) in self.machines.items()
            if name.startswith(token)
        )
        fleet = Fleet(machines=machines)
        return replace(fleet, spent=bool(machines) and not fleet.alive)

    def end(self, token: str) -> None:
        return

    def extend(self, token: str, by_s: float) -> datetime | None:
        return None

    def dismiss(self, machine: str) -> None:
        return

    def console(self, machine: str) -> str:
        return ""

    def close(self, token: str) -> None:
        return

    def forget(self, token: str) -> None:
        return

    def tokens(self) -> tuple[str, ...]:
        return ()


class Slow(MemoryStore):
    """Takes inputs only when it is let; and once says that it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.lost: list[bytes] = []
        """Each is replaced, as soon as it is written, by what was there before."""

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        if data in self.lost:
            self.lost.remove(data)
            return
        with self._an_input(key):
            super().put(key, data, if_absent=if_absent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        with self._an_input(key):
            super().put_stream(key, chunks, size=size, if_absent=if_absent)

    @contextmanager
    def _an_input(self, key: str) -> Iterator[None]:
        """If it is one."""
        name = key.rpartition("/")[2] if "/mirror/raw/" in key else ""
        if name:
            self.before(name)
        yield
        if name:
            self.taken.append(name)


def pieced(bench: Bench, items: list[str], wish: Wish) -> Bench:
    """The bench's job, as one that works on these items."""
    (bench.project / "raw").mkdir()
    for item in items:
        (bench.project / "raw" / item).write_text(item)
    (bench.project / LIST).write_text("".join(f"{item}\n" for item in items))
    job = replace(bench.slip.job, script=script_of(FOLDER), wish=wish)
    store = Slow()
    for listed in bench.store.list(""):
        store.put(listed.key, bench.store.get(listed.key))
    return replace(bench, slip=replace(bench.slip, job=job), application=Raw(), store=store)


def run(bench: Bench, tmp_path: Path, hands: Hands | None = None) -> Errand:
    """Go the whole errand with real time."""
    hands = hands or Hands(bench, tmp_path / "machines")
    means = replace(
        bench.means("courier-1", hands),
        clock=SystemClock(),
        stopping=Event(),
    )
    errand = Errand(bench.slip, means, CardDesk(bench.card(), bench.cards, means.clock))
    errand.run()
    for _, thread in hands.machines.values():
        thread.join()
    return errand
