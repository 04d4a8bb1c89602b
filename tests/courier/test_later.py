"""A job that goes on after others: what it waits for, who makes it ready, and who mans it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.chaining.later import BrokenChainError, Later
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.chains import before
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.courier.machines.sweep import sweep
from cryoem_cloud.courier.sending.ahead import Ahead
from cryoem_cloud.courier.sending.offers import passed_on
from cryoem_cloud.model.errors import MissingInputError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.job import Exit, Job, Need, Outcome
from cryoem_cloud.model.machine import DEAD_AFTER_S, HEARTBEAT_S, Fleet, Machine, State
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.task import Ready
from cryoem_cloud.model.turn import Deed
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.nexts import Next, nexts, put_next
from cryoem_cloud.testing.clock import StoppedClock

from .conftest import TASK, Bench, Played

_US = "courier-1"


class Seen(Played):
    """Whose fleets the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.fleets: dict[str, Fleet] = {}

    def look(self, token: str) -> Fleet:
        return self.fleets.get(token, Fleet())


@dataclass
class Waiting:
    """Job 1 of a bench, made one that goes on after job 9 (and whoever a test adds)."""

    bench: Bench
    after: tuple[int, ...] = (9,)
    acts: list[Callable[[], None]] = field(default_factory=list)
    """What happens at each look, one after the other."""
    clock: StoppedClock = field(default_factory=StoppedClock)
    provider: Seen = field(default_factory=Seen)
    told: list[frozenset[int]] = field(default_factory=list)
    tellable: bool = True

    def __post_init__(self) -> None:
        for number in self.after:
            self.card(number)

    @property
    def records(self) -> JobRecords:
        return self.bench.records

    def card(self, number: int, **changes: object) -> None:
        """How an earlier job stands."""
        made = replace(self.bench.card(), number=number, name=f"J{number}", outputs=(f"j{number}",))
        self.bench.cards.write(replace(made, **changes))  # type: ignore[arg-type]  # by name

    def home(self, number: int = 9, outcome: Outcome = Outcome.SUCCESS, reason: str = "") -> None:
        self.card(number, phase=Phase.ENDED, outcome=outcome, reason=reason)

    def ahead(self, sources: frozenset[int]) -> Next | None:
        self.told.append(sources)
        made = Next(job=1, sources=tuple(sorted(sources)), script="true", entries=())
        return made if self.tellable else None

    def rest(self, seconds: float) -> bool:
        self.clock.pass_(seconds)
        if self.acts:
            self.acts.pop(0)()
        return self.clock.monotonic() > 1000

    def ours(self) -> bool:
        job = replace(self.bench.slip.job, after=self.after)
        return Later(
            job=job,
            records=self.records,
            who=_US,
            card=lambda number: next(iter(self.bench.cards.of_number(number)), None),
            ahead=self.ahead,
            providers=(self.provider,),
            desk=CardDesk(self.bench.card(), self.bench.cards, self.clock),
            clock=self.clock,
            stopped=lambda: False,
            rest=self.rest,
        ).ours()

    def machine_claims(self) -> None:
        assert self.records.preparations().claim("m-9", detail={"of": 9})

    def machine_ends(self, deed: Deed, reason: str = "") -> None:
        log = self.records.preparations()
        assert log.close(log.read()[-1], deed, {"reason": reason})

    @property
    def note(self) -> str:
        return self.bench.card().note


@pytest.fixture
def waiting(bench: Bench) -> Waiting:
    return Waiting(bench)


def nothing() -> None:
    """A look at which nothing happens."""


def test_a_job_that_a_machine_makes_ready_is_not_ours(waiting: Waiting) -> None:
    notes: list[str] = []

    def look() -> None:
        notes.append(waiting.note)

    waiting.acts = [
        look,
        waiting.home,
        waiting.machine_claims,
        *[nothing] * 6,
        look,
        lambda: waiting.machine_ends(Deed.DONE),
    ]
    assert not waiting.ours()
    assert waiting.told == [frozenset({9})]
    assert [later.job for later in nexts(waiting.bench.store, waiting.records.project, 9)] == [1]
    assert "after job 9 (J9)" in notes[0]
    assert "need not be on" in notes[0]
    assert notes[1] == "a machine of job 9 makes it ready"


def test_a_job_to_which_no_machine_comes_is_ours_after_a_while(waiting: Waiting) -> None:
    waiting.acts = [nothing, waiting.home]
    assert waiting.ours()
    assert HEARTBEAT_S <= waiting.clock.monotonic() <= 2 * HEARTBEAT_S
    assert waiting.records.preparations().read()[-1].holder == _US


def test_a_job_that_a_machine_releases_is_ours_once_those_before_are_home(waiting: Waiting) -> None:
    notes: list[str] = []

    def released() -> None:
        waiting.card(9, phase=Phase.HOMECOMING)
        waiting.machine_claims()
        waiting.machine_ends(Deed.RELEASED, "x.mrc is not known")

    waiting.acts = [released, *[nothing] * 8, lambda: notes.append(waiting.note), waiting.home]
    assert waiting.ours()
    assert "x.mrc is not known" in notes[0]
    assert [t.holder for t in waiting.records.preparations().read()] == ["m-9", "m-9", _US]


def test_a_job_whose_machine_died_over_it_is_ours_after_a_minute(waiting: Waiting) -> None:
    waiting.acts = [waiting.home, waiting.machine_claims]
    assert waiting.ours()
    assert waiting.clock.monotonic() >= DEAD_AFTER_S
    assert [t.deed for t in waiting.records.preparations().read()] == [Deed.CLAIM, Deed.CLAIM]


def test_a_machine_that_its_provider_saw_end_is_not_waited_for(waiting: Waiting) -> None:
    token = token_of(waiting.records.project, 9, 1)
    waiting.provider.kept = [token, token_of(waiting.records.project, 1, 1)]
    gone = Fleet(machines=(Machine(name="m-9", state=State.GONE),))
    waiting.provider.fleets = {token: gone}
    waiting.acts = [waiting.home, waiting.machine_claims]
    assert waiting.ours()
    assert waiting.clock.monotonic() < DEAD_AFTER_S / 2
    assert waiting.records.is_gone("m-9")


@pytest.mark.parametrize("at_first", [True, False])
def test_a_job_that_cannot_be_told_before_is_ours_when_those_before_are_home(
    waiting: Waiting, *, at_first: bool
) -> None:
    waiting.tellable = False
    if at_first:
        waiting.home()
    waiting.acts = [nothing, waiting.home]
    assert waiting.ours()
    assert waiting.clock.monotonic() < HEARTBEAT_S
    assert waiting.records.preparations().read() == ()
    assert waiting.told == ([] if at_first else [frozenset({9})])


def test_a_courier_that_comes_back_waits_for_a_machine_that_was_told(waiting: Waiting) -> None:
    waiting.home()
    later = waiting.ahead(frozenset({9}))
    assert later is not None
    put_next(waiting.bench.store, waiting.records.project, 9, later)
    assert waiting.ours()
    assert waiting.clock.monotonic() >= HEARTBEAT_S


@pytest.mark.parametrize("ended", [False, True])
def test_no_machine_is_promised_where_all_have_ended_and_only_coming_home_is_left(
    waiting: Waiting, *, ended: bool
) -> None:
    if ended:
        JobRecords(waiting.bench.store, waiting.records.project, 9).put_end(
            Exit(outcome=Outcome.SUCCESS)
        )
    notes: list[str] = []
    waiting.acts = [lambda: notes.append(waiting.note), waiting.home]
    assert waiting.ours()
    assert ("this computer must be on" in notes[0]) == ended
    assert ("this computer need not be on" in notes[0]) != ended


@pytest.mark.parametrize(
    ("outcome", "word"), [(Outcome.FAILURE, "failed"), (Outcome.ABORTED, "was stopped")]
)
def test_a_chain_breaks_with_the_reason(waiting: Waiting, outcome: Outcome, word: str) -> None:
    waiting.acts = [nothing, lambda: waiting.home(9, outcome, "no luck")]
    with pytest.raises(BrokenChainError, match=rf"job 9 \(J9\), .* {word}: no luck"):
        waiting.ours()


def test_a_job_before_whose_card_is_lost_counts_by_its_records(bench: Bench) -> None:
    waiting = Waiting(bench, after=())
    waiting.after = (7,)
    lost = JobRecords(bench.store, waiting.records.project, 7)
    waiting.acts = [nothing, lambda: lost.put_end(Exit(outcome=Outcome.SUCCESS))]
    assert waiting.ours()
    assert waiting.told == []


def test_all_jobs_of_the_chain_that_are_not_home_are_told_as_sources(bench: Bench) -> None:
    waiting = Waiting(bench, after=(9,))
    waiting.card(9, after=(8, 7))
    waiting.card(8)
    waiting.card(7, phase=Phase.ENDED, outcome=Outcome.SUCCESS)
    waiting.acts = [waiting.home]
    assert waiting.ours()
    assert waiting.told == [frozenset({9, 8})]


def test_before_goes_all_the_way_and_not_round_in_circles(bench: Bench) -> None:
    def card(number: int) -> Card | None:
        after = {3: (2,), 2: (1, 3), 1: (0,)}.get(number)
        return None if after is None else replace(bench.card(), after=after)

    assert before((3,), card) == {0, 1, 2, 3}


# How a later job is manned.


def run_after(bench: Bench, provider: Played) -> Card:
    """The bench's job, as one that a machine of job 9 has made ready."""
    job = replace(bench.slip.job, after=(9,))
    bench.slip = Slip(job=job, project=bench.slip.project)
    bench.spool.add(bench.slip)
    bench.cards.write(replace(bench.card(), after=(9,)))
    bench.records.set_ready(Ready(1, 1))
    log = bench.records.preparations()
    claim = log.claim("m-9", detail={"of": 9})
    assert claim is not None
    assert log.close(claim, Deed.DONE)
    return bench.run(provider=provider)


class Beating(Played):
    """Of which the machine that came along shows life for so many looks, and then ends the task."""

    def __init__(self, bench: Bench, looks: int, *, dies: bool) -> None:
        super().__init__(bench.done)
        self.bench, self.left, self.dies = bench, looks, dies
        self.beats = 0

    def tokens(self) -> tuple[str, ...]:
        """Asked at each look."""
        self.beats += 1
        if self.left > 0:
            self.left -= 1
            self.bench.records.put_beat("m-9", self.beats)
        elif not self.dies:
            self.dies = True
            self.bench.done()
        return super().tokens()


def test_no_fleet_is_ordered_while_the_machine_that_came_along_lives(bench: Bench) -> None:
    provider = Beating(bench, 400, dies=False)
    assert run_after(bench, provider).outcome is Outcome.SUCCESS
    assert provider.kept == []
    assert bench.records.launches() == 0


def test_a_fleet_is_ordered_once_the_machine_that_came_along_is_dead(bench: Bench) -> None:
    provider = Beating(bench, 40, dies=True)
    assert run_after(bench, provider).outcome is Outcome.SUCCESS
    assert provider.kept == [token_of(bench.slip.project.name, 1, 1)]
    assert bench.records.turns(TASK).read()[-1].deed is Deed.DONE


def test_machines_of_a_job_after_which_an_open_one_goes_on_are_spared(bench: Bench) -> None:
    at = "2026-01-01T00:00:00+00:00"
    ended = {"phase": Phase.ENDED, "outcome": Outcome.SUCCESS, "ended_at": at}
    waiting = Waiting(bench, after=())
    for number, after in ((9, ()), (8, (9,)), (7, ())):
        waiting.card(number, after=after, **ended)
    bench.cards.write(replace(bench.card(), after=(8,)))
    tokens = {n: token_of(waiting.records.project, n, 1) for n in (9, 8, 7)}
    provider = Seen()
    provider.kept = list(tokens.values())
    alive = Fleet(machines=(Machine(name="m", state=State.UP),))
    provider.fleets = dict.fromkeys(tokens.values(), alive)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=1)
    sweep(provider, bench.cards.all(), now)
    assert provider.ended == [tokens[7]]


# What a project is like ahead of what earlier jobs make.


@pytest.fixture
def ahead(tmp_path: Path) -> Ahead:
    (tmp_path / "A/job001/sub").mkdir(parents=True)
    (tmp_path / "A/job001/old.star").write_text("old")
    (tmp_path / "here.star").write_text("here")
    (tmp_path / "A/alias").symlink_to("job001")
    return Ahead(Here(tmp_path), ("A/job001/", "B/job002"))


def test_what_is_awaited_is_there_and_empty(ahead: Ahead) -> None:
    kinds = {
        "A/job001/new.star": Kind.FILE,
        "A/alias/new.star": Kind.FILE,
        "A/job001/sub": Kind.FOLDER,
        "B/job002": Kind.FOLDER,
        "B/job002/": Kind.FOLDER,
        "B/job002/x/y": Kind.FILE,
        "B/job0021": None,
        "here.star": Kind.FILE,
        "nothing": None,
    }
    assert {path: ahead.kind(path) for path in kinds} == kinds
    with ahead.open("A/job001/old.star") as old, ahead.open("here.star") as here:
        assert (old.read(), here.read()) == (b"", b"here")
    assert list(ahead.names("A/job001")) == []
    assert list(ahead.names("A")) == ["alias", "job001"]
    assert ahead.link("A/alias") == "A/job001"
    assert not ahead.awaited("here.star")


class Reading(Shell):
    """An application whose jobs ask for what their scripts say: stub:PATH or PATH, with blanks."""

    def needs(self, job: Job, view: View) -> Iterator[Need]:
        """A word that is no such thing is a file that is not there."""
        for word in job.script.split():
            path = word.removeprefix("stub:")
            if view.kind(path) is None:
                raise MissingInputError(path)
            yield Need(path=path, stub=path != word)


@pytest.mark.parametrize(
    ("script", "offered"),
    [
        ("stub:here.star stub:A/job001/new.star stub:A", ["here.star"]),
        ("stub:here.star A/job001/new.star", []),
        ("stub:here.star stub:nothing", []),
        ("", []),
    ],
)
def test_inputs_of_which_a_job_only_passes_on_the_names_are_offered(
    bench: Bench, ahead: Ahead, script: str, offered: list[str]
) -> None:
    job = replace(bench.slip.job, script=script, script_path="")
    found = passed_on((job,), lambda _: Reading(), ahead)
    assert found == tuple(Need(path=path) for path in offered)
