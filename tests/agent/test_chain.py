"""Machines that go on with the jobs after theirs: real agents and scripts, a store in memory."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import pytest

from cryoem_cloud.agent.work import Agent
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.charge import Witness
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.keys import next_key, sighting_key, usage_key
from cryoem_cloud.model.task import MAIN, Ready, Task
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.providers.aws.stack.for_machines import WRITTEN
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.nexts import Next, put_next
from cryoem_cloud.stores.results import results
from cryoem_cloud.testing.faults import Fault, FaultyStore
from cryoem_cloud.testing.machine_self import Unbothered
from cryoem_cloud.wiring.clock import SystemClock

P = "p-00000000"


@dataclass
class Myself(Unbothered):
    name: str
    said: list[str] = field(default_factory=list)

    def up(self) -> None:
        """Said often."""

    def worked(self) -> None:
        self.said.append("worked")

    def leave(self, *, last: bool) -> None:
        self.said.append("end" if last else "leave")


class Hurried(SystemClock):
    """Has no patience."""

    def sleep(self, seconds: float) -> None:
        """A tenth of that at most."""
        super().sleep(min(seconds, 0.1))


class Chain:
    """Jobs in a store, of which some go on after others, and machines that work on them."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.store = MemoryStore()
        self.asked: list[str] = []
        self.fault = Fault.NONE
        """What befalls the first call of each kind for each key of job 2, and for what follows."""
        self._befallen: set[tuple[str, str]] = set()
        self.watched = FaultyStore(self.store, self._plan)

    def _plan(self, call: str, key: str) -> Fault:
        self.asked.append(key)
        chained = "/jobs/00000002/" in key or "/next/" in key
        if not chained or (call, key) in self._befallen:
            return Fault.NONE
        self._befallen.add((call, key))
        return self.fault

    def records(self, number: int) -> JobRecords:
        return JobRecords(self.watched, P, number)

    def job(
        self,
        number: int,
        script: str,
        *,
        after: tuple[int, ...] = (),
        reads: str = "",
        inputs: tuple[Entry, ...] = (),
    ) -> None:
        """A job that writes into the folder of its number; a first one has its task, and inputs."""
        made = Job(
            number=number,
            project=P,
            name=str(number),
            application="shell",
            frontend="shell",
            script=script,
            script_path="",
            outputs=(f"{number}",),
            logs={},
            log_starts={},
            submitter="me",
            submitted_at="2026-01-01T00:00:00Z",
            inputs=tuple(reads.split()),
            after=after,
        )
        self.records(number).put_job(made)
        if not after:
            self.records(number).put_tasks((Task(name=MAIN, script=script, inputs=inputs),))
            self.records(number).set_ready(Ready(1, 1))

    def then(
        self,
        number: int,
        script: str,
        *,
        after: tuple[int, ...],
        reads: str = "",
        sources: tuple[int, ...] = (),
        entries: tuple[Entry, ...] = (),
        offers: tuple[Entry, ...] = (),
    ) -> None:
        """A later job, told to those before as a courier tells it."""
        self.job(number, script, after=after, reads=reads)
        later = Next(
            job=number,
            sources=sources or after,
            script=script,
            entries=entries,
            offers=offers,
        )
        for one in after:
            put_next(self.store, P, one, later)

    def file(self, path: str, text: str) -> Entry:
        """An input that is in the store."""
        data = text.encode()
        self.store.put(f"{P}/mirror/{path}", data)
        size, digest = len(data), digest_of(data)
        content = Content(key=f"mirror/{path}", start=0, stored=size, size=size, digest=digest)
        return Entry(path=path, content=content)

    def live(self, number: int = 1, name: str = "m-1") -> list[str]:
        """What a machine of a job's fleet said, from birth to leave."""
        myself = Myself(name)
        Agent(
            records=self.records(number),
            myself=myself,
            application=lambda _: Shell(),
            scratch=self.top / name,
            environment={"PATH": os.environ["PATH"]},
            umask=None,
            clock=Hurried(),
        ).live()
        return myself.said

    def outcome(self, number: int) -> Outcome | None:
        end = self.records(number).end()
        return end.outcome if end else None

    def made(self, number: int) -> dict[str, str]:
        """What a job made, by path."""
        records = self.records(number)
        entries = results(records, records.turns(MAIN).read()[-1])
        return {e.path: self._text(e.content) for e in entries if e.content}

    def _text(self, content: Content) -> str:
        place = {"start": content.start, "length": content.stored}
        return self.store.get(f"{P}/{content.key}", **place).decode()

    def inputs(self, number: int) -> dict[str, Kind]:
        (task,) = self.records(number).tasks(0)
        return {entry.path: entry.kind for entry in task.inputs}

    def preparations(self, number: int) -> tuple[Turn, ...]:
        return self.records(number).preparations().read()


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return Chain(tmp_path)


def test_a_machine_goes_on_with_what_follows_and_what_follows_that(chain: Chain) -> None:
    chain.job(1, "echo one > 1/x")
    entry = chain.file("two.txt", "two\n")
    chain.then(2, "cat 1/x two.txt > 2/x", after=(1,), reads="1/x two.txt", entries=(entry,))
    chain.then(3, "cat 1/x 2/x > 3/x", after=(2,), reads="1/* 2", sources=(1, 2))
    assert chain.live() == ["worked"] * 3 + ["end"]
    assert chain.made(3) == {"3/x": "one\none\ntwo\n"}
    assert [chain.outcome(n) for n in (1, 2, 3)] == [Outcome.SUCCESS] * 3
    assert chain.inputs(2) == {"1/x": Kind.FILE, "two.txt": Kind.FILE}
    assert [turn.deed for turn in chain.preparations(2)] == [Deed.CLAIM, Deed.DONE]
    assert {turn.holder for turn in chain.records(3).turns(MAIN).read()} == {"m-1"}
    assert chain.preparations(3)[0].detail == {"of": 1}
    indexed = {e.path for r in IndexLog(chain.store, P).read() for e in r.entries}
    assert indexed == {"1/x", "2/x", "3/x"}
    assert not (chain.top / "m-1").exists()


def test_a_machine_writes_what_its_policy_allows_and_nothing_else(chain: Chain) -> None:
    chain.job(1, "echo a > 1/a")
    chain.then(2, "echo b > 2/b", after=(1,))
    before = {item.key for item in chain.store.list("")}
    chain.live()
    written = {item.key for item in chain.store.list("")} - before
    assert chain.outcome(2) is Outcome.SUCCESS
    written |= {
        sighting_key(P, 1, "m-1", writer=Witness.AGENT.value, at="20261129T080000Z"),
        usage_key(P, 1, "agent-m-1-00ff", month="2026-11", number=1),
    }
    assert {key for key in written if not any(fnmatch(key, f"{P}/{x}") for x in WRITTEN)} == set()


def test_a_machine_without_what_follows_asks_for_it_once(chain: Chain) -> None:
    chain.job(1, "true")
    chain.live()
    assert [key for key in chain.asked if "/next/" in key] == [next_key(P, 1, 1)]
    assert not [key for key in chain.asked if "/prepare/" in key]


@pytest.mark.parametrize("script", ["exit 3", "kill -TERM $$"])
def test_nothing_follows_a_job_that_did_not_end_well(chain: Chain, script: str) -> None:
    chain.job(1, script)
    chain.then(2, "true", after=(1,))
    chain.live()
    assert not [key for key in chain.asked if "/next/" in key]
    assert not chain.records(2).ready().count


def test_all_that_goes_on_after_one_job_is_done_the_first_with_its_own_before(chain: Chain) -> None:
    chain.job(1, "echo 1 > 1/x")
    chain.then(2, "cat 1/x > 2/x", after=(1,), reads="1/x")
    chain.then(3, "cat 1/x > 3/x", after=(1,), reads="1/x")
    chain.then(4, "cat 2/x > 4/x", after=(2,), reads="2/x")
    order: list[str] = []
    chain.asked = order
    chain.live()
    ends = [key for key in order if key.endswith("/turns/main/000002")]
    assert list(dict.fromkeys(ends)) == [
        f"{P}/jobs/{n:08d}/turns/main/000002" for n in (1, 2, 4, 3)
    ]
    assert [chain.outcome(n) for n in (2, 3, 4)] == [Outcome.SUCCESS] * 3


def test_of_several_jobs_before_the_last_one_to_end_goes_on(chain: Chain) -> None:
    chain.job(1, "echo 1 > 1/x")
    chain.job(2, "echo 2 > 2/x")
    chain.then(3, "cat 1/x 2/x > 3/x", after=(1, 2), reads="1/x 2/x")
    assert chain.live(1, "m-1") == ["worked", "leave"]
    assert chain.preparations(3) == ()
    assert chain.live(2, "m-2") == ["worked"] * 2 + ["end"]
    assert chain.made(3) == {"3/x": "1\n2\n"}


def test_of_machines_that_end_at_once_one_goes_on(chain: Chain) -> None:
    chain.job(1, "echo 1 > 1/x")
    chain.job(2, "echo 2 > 2/x")
    chain.then(3, "cat 1/x 2/x > 3/x", after=(1, 2), reads="1/x 2/x")
    threads = [
        threading.Thread(target=chain.live, args=(number, f"m-{number}")) for number in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert chain.made(3) == {"3/x": "1\n2\n"}
    assert [turn.deed for turn in chain.preparations(3)] == [Deed.CLAIM, Deed.DONE]


@pytest.mark.parametrize(
    ("reads", "words"),
    [("1/x nothing.txt", "nothing.txt"), ("only-a-stub", "only-a-stub")],
)
def test_a_job_whose_inputs_are_not_known_is_left_to_its_courier(
    chain: Chain, reads: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    stub = Entry(path="only-a-stub", kind=Kind.STUB)
    chain.job(1, "echo 1 > 1/x", inputs=(stub,))
    chain.then(2, "true", after=(1,), reads=reads)
    assert chain.live() == ["worked", "leave"]
    claim, released = chain.preparations(2)
    assert (claim.deed, released.deed) == (Deed.CLAIM, Deed.RELEASED)
    assert words in str(released.detail["reason"])
    assert "job 2 is left to its courier" in caplog.text
    assert not chain.records(2).ready().count


def by_courier(chain: Chain) -> None:
    assert chain.records(2).preparations().claim("courier-1")


def by_another(chain: Chain) -> None:
    log = chain.records(2).preparations()
    claim = log.claim("m-9")
    assert claim is not None
    assert log.close(claim, Deed.RELEASED)


def stopped(chain: Chain) -> None:
    chain.records(2).put_end(Exit(outcome=Outcome.ABORTED))


def waiting(chain: Chain) -> None:
    later = Next(job=2, sources=(1, 9), script="true", entries=())
    chain.store.delete(next_key(P, 1, 1))
    put_next(chain.store, P, 1, later)


def damaged(chain: Chain) -> None:
    chain.store.put(next_key(P, 1, 1), b"noise")


@pytest.mark.parametrize(
    ("act", "how"),
    [
        (by_courier, "leave"),
        (by_another, "leave"),
        (stopped, "leave"),
        (waiting, "leave"),
        (damaged, "end"),  # nobody can go on with it
    ],
)
def test_a_job_that_is_not_ours_to_prepare_is_left(
    chain: Chain, act: Callable[[Chain], None], how: str
) -> None:
    chain.job(1, "true")
    chain.then(2, "true", after=(1,))
    act(chain)
    before = chain.preparations(2)
    assert chain.live() == ["worked", how]
    assert chain.preparations(2) == before
    assert not chain.records(2).ready().count


def test_a_machine_that_takes_the_place_of_another_goes_on_where_that_one_was(
    chain: Chain,
) -> None:
    chain.job(1, "echo 1 > 1/x")
    chain.then(2, "cat 1/x > 2/x", after=(1,), reads="1/x")
    chain.live()
    assert chain.made(2) == {"2/x": "1\n"}
    for listed in list(chain.store.list(f"{P}/jobs/00000002/")):
        if "/turns/" in listed.key or "/end" in listed.key or "/machines/" in listed.key:
            chain.store.delete(listed.key)
    assert chain.records(2).turns(MAIN).claim("m-1")
    chain.records(2).mark_gone("m-1")
    assert chain.live(1, "m-2") == ["worked", "end"]
    assert chain.made(2) == {"2/x": "1\n"}


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.LOST])
def test_a_store_that_does_not_answer_stops_no_chain(chain: Chain, fault: Fault) -> None:
    chain.job(1, "echo 1 > 1/x")
    chain.then(2, "cat 1/x > 2/x", after=(1,), reads="1/x")
    chain.fault = fault
    assert chain.live() == ["worked"] * 2 + ["end"]
    chain.fault = Fault.NONE
    assert chain.made(2) == {"2/x": "1\n"}
    assert [turn.deed for turn in chain.preparations(2)] == [Deed.CLAIM, Deed.DONE]
    assert len(chain.records(2).turns(MAIN).read()) == 2


def test_what_is_offered_is_given_if_something_asks_for_it(chain: Chain) -> None:
    stubs = tuple(Entry(path=f"{name}.tif", kind=Kind.STUB) for name in ("m1", "m2"))
    chain.job(1, "ls > 1/list", inputs=stubs)
    offers = tuple(chain.file(f"{name}.tif", name) for name in ("m1", "m2"))
    chain.then(2, "cat m1.tif > 2/x", after=(1,), reads="m1.tif", offers=offers)
    chain.live()
    assert chain.made(2) == {"2/x": "m1"}
    assert chain.inputs(2) == {"m1.tif": Kind.FILE}


def test_what_was_sent_is_given_also_where_nothing_asks_for_it(chain: Chain) -> None:
    """As a program that the job's programs call."""
    chain.job(1, "true")
    tool = chain.file("tool.sh", "echo tool\n")
    chain.then(2, "bash tool.sh > 2/x", after=(1,), entries=(tool,))
    chain.live()
    assert chain.made(2) == {"2/x": "tool\n"}


@pytest.fixture(autouse=True)
def no_threads_stay() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before
