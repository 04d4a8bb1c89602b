"""Which task a machine takes, and when it may go."""

import random

import pytest

from cryoem_cloud.agent.take import MOST_CLAIMS, Idle, Taken, Taker
from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.machine import DEAD_AFTER_S
from cryoem_cloud.model.task import MAIN, Ready, Task
from cryoem_cloud.model.turn import Deed, Standing, standing
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.clock import StoppedClock


class Hall:
    """A job's records, and machines that look for work."""

    def __init__(self, tasks: int = 1, *, ready: int | None = None) -> None:
        self.clock = StoppedClock()
        self.records = JobRecords(MemoryStore(), "p-00000000", 1)
        self.records.put_tasks(
            tuple(Task(name=f"t{n}", script="true", inputs=()) for n in range(tasks))
        )
        self.records.set_ready(Ready(tasks if ready is None else ready, tasks))

    def machine(self, name: str) -> Taker:
        return Taker(self.records, name, clock=self.clock, dice=random.Random(name))


def taken(found: Taken | Idle) -> Taken:
    assert isinstance(found, Taken)
    return found


def test_each_task_is_taken_by_one() -> None:
    hall = Hall(tasks=3)
    found = [taken(hall.machine(name).take()).task.name for name in ("a", "b", "c")]
    assert sorted(found) == ["t0", "t1", "t2"]
    assert hall.machine("d").take() == Idle(over=False, needed=True)


def test_a_living_machines_task_is_not_needed() -> None:
    hall = Hall()
    taken(hall.machine("a").take())
    other = hall.machine("b")
    hall.records.put_beat("a", 1)
    assert other.take() == Idle(over=False, needed=True)
    hall.clock.pass_(15)
    hall.records.put_beat("a", 2)
    assert other.take() == Idle(over=False, needed=False)


def test_a_machine_that_lived_once_is_waited_for_when_it_is_silent() -> None:
    hall = Hall()
    taken(hall.machine("a").take())
    other = hall.machine("b")
    for beat in (1, 2):
        hall.records.put_beat("a", beat)
        other.take()
        hall.clock.pass_(15)
    assert other.take() == Idle(over=False, needed=False)
    hall.clock.pass_(10 * DEAD_AFTER_S)  # at work on another task
    hall.records.put_beat("a", 3)  # its last: nobody knows when
    assert other.take() == Idle(over=False, needed=True)
    hall.clock.pass_(DEAD_AFTER_S)
    assert taken(other.take()).claim.number == 2


def test_a_silent_machines_task_is_taken_over_after_a_minute_of_ones_own() -> None:
    hall = Hall()
    first = taken(hall.machine("a").take())
    hall.records.put_beat("a", 1)
    other = hall.machine("b")
    other.take()
    hall.clock.pass_(DEAD_AFTER_S - 1)
    assert isinstance(other.take(), Idle)
    hall.clock.pass_(1)
    second = taken(other.take())
    assert (second.claim.number, second.lost) == (2, "a")
    assert not first.log.close(first.claim, Deed.DONE)


def test_a_machine_that_its_provider_calls_gone_is_not_waited_for() -> None:
    hall = Hall()
    taken(hall.machine("a").take())
    hall.records.mark_gone("a")
    assert taken(hall.machine("b").take()).claim.holder == "b"


def test_only_a_task_that_another_machine_had_was_lost_by_it() -> None:
    hall = Hall()
    machine = hall.machine("a")
    first = taken(machine.take())
    assert not first.lost
    assert first.log.close(first.claim, Deed.RELEASED)
    assert not taken(hall.machine("b").take()).lost


def test_a_task_whose_inputs_are_not_there_is_waited_for() -> None:
    hall = Hall(tasks=1, ready=0)
    assert hall.machine("a").take() == Idle(over=False, needed=True)


def test_all_done_is_over() -> None:
    hall = Hall()
    machine = hall.machine("a")
    work = taken(machine.take())
    assert work.log.close(work.claim, Deed.DONE)
    assert machine.take() == Idle(over=True, needed=False)


def test_a_task_that_kills_its_machines_is_given_up() -> None:
    hall = Hall()
    for n in range(MOST_CLAIMS):
        taken(hall.machine(f"m{n}").take())
        hall.records.mark_gone(f"m{n}")
    last = hall.machine("last")
    assert last.take() == Idle(over=True, needed=False)
    turns = hall.records.turns("t0").read()
    assert standing(turns) is Standing.FAILED
    assert "lost" in str(turns[-1].detail["reason"])


class Silent(MemoryStore):
    """Does what it is told, and for a while says nothing at all."""

    silent = False

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        super().put(key, data, if_absent=if_absent)
        if "/turns/" in key and not self.silent:
            self.silent = True
            raise StoreUnreachableError("no answer")

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        if self.silent:
            raise StoreUnreachableError("no answer")
        return super().get(key, start=start, length=length)


def test_a_claim_whose_reply_was_lost_is_asked_for_again_before_any_other() -> None:
    hall = Hall(tasks=50)
    store = Silent()
    for listed in hall.records.store.list(""):
        store.put(listed.key, hall.records.store.get(listed.key))
    hall.records = JobRecords(store, hall.records.project, hall.records.number)
    machine = hall.machine("a")
    with pytest.raises(StoreUnreachableError):
        machine.take()
    store.silent = False
    claims = [listed.key for listed in store.list("") if "/turns/" in listed.key]
    found = taken(machine.take())
    assert [f"/turns/{found.task.name}/" in claim for claim in claims] == [True]


def in_pieces(store: MemoryStore, pieces: int) -> Hall:
    """A hall whose job is cut, all of it ready."""
    hall = Hall()
    hall.records = JobRecords(store, "p-00000000", 1)
    tasks = [Task(name=f"{n:06d}", script="", inputs=(), title=f"piece {n}") for n in range(pieces)]
    main = Task(name=MAIN, script="", inputs=(), joins=True)
    hall.records.put_tasks((*tasks, main))
    hall.records.set_ready(Ready(pieces + 1, pieces + 1))
    return hall


class SilentOfMain(Silent):
    """Loses the reply to the claim of the task that joins."""

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        if "/turns/main/" in key:
            super().put(key, data, if_absent=if_absent)
        else:
            MemoryStore.put(self, key, data, if_absent=if_absent)


def test_a_job_that_is_given_up_stays_so_where_a_reply_is_lost() -> None:
    store = SilentOfMain()
    hall = in_pieces(store, 1)
    machine = hall.machine("a")
    work = taken(machine.take())
    failed = {"outcome": "failure", "code": 3, "reason": "no good"}
    assert work.log.close(work.claim, Deed.FAILED, failed)
    with pytest.raises(StoreUnreachableError):
        machine.take()
    store.silent = False
    found = taken(machine.take())
    assert found.task.name == MAIN
    assert found.given_up is not None
    assert "piece 0: no good" in found.given_up.reason


def test_what_joins_is_taken_over_with_all_that_the_pieces_made() -> None:
    hall = in_pieces(MemoryStore(), 40)
    first = hall.machine("a")
    while (work := taken(first.take())).task.name != MAIN:
        assert work.log.close(work.claim, Deed.DONE)
    assert len(work.pieces) == 40
    second = hall.machine("b")
    hall.records.put_beat("a", 1)
    found = second.take()
    while isinstance(found, Idle):
        assert found.needed
        hall.clock.pass_(1)
        found = second.take()
    assert found.task.name == MAIN
    assert len(found.pieces) == 40


def in_many_pieces() -> Hall:
    """Forty and what joins them; the first one may be taken already."""
    hall = Hall()
    rest = [Task(name=f"t0{n:02d}", script="true", inputs=()) for n in range(1, 40)]
    last = Task(name=MAIN, script="true", inputs=(), joins=True)
    hall.records.put_tasks((*rest, last), pack=1)
    hall.records.set_ready(Ready(1, 41))
    return hall


def end(found: Taken | Idle) -> None:
    done = taken(found)
    assert done.log.close(done.claim, Deed.DONE, {"outcome": "success", "code": 0, "reason": ""})


def until_taken(hall: Hall, taker: Taker) -> Taken:
    """What a machine takes that looks each second, and does not leave before."""
    for _ in range(60):
        found = taker.take()
        if isinstance(found, Taken):
            return found
        assert found.needed, "it left"
        hall.clock.pass_(1)
    raise AssertionError("it takes nothing")


def test_who_ends_the_last_piece_joins_whatever_it_watched_long_ago() -> None:
    hall = in_many_pieces()
    one, other = hall.machine("a"), hall.machine("b")
    first = one.take()
    assert isinstance(other.take(), Idle)  # and watches the only task that there is
    hall.records.set_ready(Ready(41, 41))
    end(first)
    for _ in range(39):
        end(until_taken(hall, other))
    assert until_taken(hall, other).task.name == MAIN


def test_a_machine_stays_until_it_has_seen_somebody_work() -> None:
    """All that it watched may have ended, and who ended it may be lost."""
    hall = in_many_pieces()
    hall.records.set_ready(Ready(41, 41))
    one, other = hall.machine("a"), hall.machine("b")
    for _ in range(39):
        end(one.take())
    last = one.take()
    assert isinstance(other.take(), Idle)
    end(last)
    assert until_taken(hall, other).task.name == MAIN
