"""A courier's errand on its own: a real project and store, and machines that the test plays."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip, Spool
from cryoem_cloud.courier.known.stores_used import StoresUsed
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.submit import Counter, submit
from cryoem_cloud.frontends.relion import RelionFrontend
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.journal import LogLines, Page
from cryoem_cloud.model.keys import manifest_key, page_key
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.ports.application import Application, Asked, Shape
from cryoem_cloud.ports.provider import Order, Provider
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.ids import JobNumbers, reserve_block
from cryoem_cloud.stores.index import entries_to_bytes
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.clock import StoppedClock

FOLDER = "Shell/job001"
MACHINE = "m-1"
TASK = "main"


class Hurried(Event):
    """Waits no longer than its clock's hands need to be moved."""

    def __init__(self, clock: StoppedClock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.sleep(timeout or 0.0)
        return self.is_set()


class Played:
    """A provider of one machine, which the test plays: one act each time that the fleet is kept."""

    name = "played"
    sells = False
    store = ""
    region = ""
    like = Shape(cores=1, memory_gib=1.0, fixed=True)

    def shape(self, offer: Offer) -> Shape:
        return self.like

    def __init__(self, *acts: Callable[[], None]) -> None:
        self.acts = list(acts)
        self.kept: list[str] = []
        self.ended: list[str] = []
        self.closed: list[str] = []

    def keep(self, order: Order) -> Fleet:
        self.see(order)
        if self.acts:
            self.acts.pop(0)()
        return Fleet(machines=(Machine(name=MACHINE, state=State.UP),))

    def see(self, order: Order) -> None:
        if order.token not in self.kept:
            self.kept.append(order.token)

    def look(self, token: str) -> Fleet:
        return Fleet()

    def end(self, token: str) -> None:
        self.ended.append(token)

    def extend(self, token: str, by_s: float) -> datetime | None:
        return None

    def dismiss(self, machine: str) -> None:
        return

    def console(self, machine: str) -> str:
        return ""

    def close(self, token: str) -> None:
        self.closed.append(token)

    def forget(self, token: str) -> None:
        self.ended.append(token)

    def tokens(self) -> tuple[str, ...]:
        return tuple(self.kept)


@dataclass
class Bench:
    """One submitted job, and what a courier needs to bring it home."""

    top: Path
    project: Path
    store: Store
    slip: Slip
    cards: Cards
    spool: Spool
    application: Application = field(default_factory=Shell)

    @property
    def folder(self) -> Path:
        return self.project / FOLDER

    @property
    def records(self) -> JobRecords:
        return JobRecords(self.store, self.slip.project.name, self.slip.job.number)

    def card(self) -> Card:
        return self.cards.of_number(self.slip.job.number)[0]

    def run(
        self,
        *acts: Callable[["Bench"], None],
        who: str = "courier-1",
        provider: Played | None = None,
    ) -> Card:
        """Go the whole errand, with a machine that does what `acts` say, one at a look."""
        means = self.means(who, provider or Played(*(partial(act, self) for act in acts)))
        Errand(self.slip, means, CardDesk(self.card(), self.cards, means.clock)).run()
        return self.card()

    def means(self, who: str, provider: Provider) -> Means:
        """What a courier of that name works with."""
        clock = StoppedClock()
        return Means(
            who=who,
            store=lambda _: self.store,
            application=lambda _: self.application,
            frontend=lambda _: RelionFrontend(),
            provider=lambda *_: provider,
            providers=lambda: (provider,),
            settings=lambda _: Settings(),
            cache=Cache(self.top / who / "courier.sqlite"),
            cards=self.cards,
            spool=self.spool,
            clock=clock,
            stopping=Hurried(clock),
        )

    # What a machine writes.

    def page(self, number: int, **parts: object) -> None:
        """A journal page of the first claim's."""
        page = Page(machine=MACHINE, number=number, task=TASK, turn=1, **parts)  # type: ignore[arg-type]  # by name
        key = page_key(self.records.project, self.records.number, MACHINE, number)
        self.store.put(key, page.placed(key.partition("/")[2]).to_bytes())

    def lines(self, text: bytes, *, start: int = 0, log: str = "out") -> LogLines:
        return LogLines(log=log, start=start, data=text)

    def done(self, entries: tuple[Entry, ...] = (), **detail: JSON) -> None:
        """Claim the task and end it well, with these outputs."""
        claim = self.records.turns(TASK).claim(MACHINE)
        assert claim is not None
        self.end_turn(claim, entries, **detail)

    def end_turn(self, claim: Turn, entries: Iterable[Entry], **detail: JSON) -> None:
        """End a turn well, or as `detail` says, with these outputs."""
        key, data = manifest_key(self.records.number, TASK, 1), entries_to_bytes(entries)
        self.store.put(f"{self.records.project}/{key}", data)
        said: dict[str, JSON] = {
            "outcome": "success",
            "code": 0,
            "reason": "",
            "manifest": key,
            "digest": digest_of(data),
            "pages": 0,
            "logs": {},
        }
        assert self.records.turns(TASK).close(claim, Deed.DONE, said | detail)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    folder = tmp_path / "project"
    (folder / FOLDER).mkdir(parents=True)
    (folder / "Other/job002").mkdir(parents=True)
    (folder / "Other/job002/result.mrc").write_text("theirs")
    (folder / "default_pipeline.star").write_text("data_pipeline_general\n")
    for name in ("job.star", "note.txt", "run_submit.script", ".run.job.tail"):
        (folder / FOLDER / name).write_text("the front end's")
    (folder / FOLDER / "run.out").write_text("before\n")
    store = MemoryStore()
    state = tmp_path / "state"
    project = projects.create(folder, store.url, StoresUsed(state / "projects"))
    cards, spool = Cards(state / "jobs"), Spool(state / "spool")
    card = submit(
        Counter(
            spool=spool,
            cards=cards,
            numbers=JobNumbers(state / "numbers.json"),
            reserve=lambda: reserve_block(store, "me"),
            submitter="me",
            now=datetime(2026, 1, 1, tzinfo=UTC),
            umask=0o022,
        ),
        Asked(
            project=folder,
            script="true",
            script_path=f"{FOLDER}/run_submit.script",
            outputs=(FOLDER,),
        ),
        project=project,
        application=Shell(),
        frontend=RelionFrontend(),
        environment={},
    )
    slip = spool.slip(f"{card.number:08d}.{card.project}")
    assert slip is not None
    return Bench(tmp_path, folder, store, slip, cards, spool)
