"""When a machine ends what runs on it: pure decisions, and what its looks lead to."""

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cryoem_cloud.agent.condition import Condition, ending_of
from cryoem_cloud.agent.idle import Idleness, Sample, sampled, works
from cryoem_cloud.ports.machine_self import Limits, Notice
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.testing.machine_self import Unbothered

BUSY = Sample(at_s=0.0, cpu_s=0.0, moved_bytes=0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cpu_s": 5.0}, False),
        ({"cpu_s": 7.0}, True),  # a tenth of a core
        ({"gpu": 0.04}, False),
        ({"gpu": 0.3}, True),
        ({"moved_bytes": 1_000_000}, False),
        ({"moved_bytes": 20_000_000}, True),
    ],
)
def test_a_machine_works_with_processors_gpus_or_network(
    change: dict[str, float], *, expected: bool
) -> None:
    now = replace(replace(BUSY, at_s=60.0), **change)  # type: ignore[arg-type]
    assert works(BUSY, now) is expected


def test_idleness_counts_from_the_last_work_and_no_earlier_than_the_program() -> None:
    idleness = Idleness()
    for minute in range(10):
        working = minute < 4
        idleness.look(Sample(at_s=minute * 60.0, cpu_s=60.0 * min(minute, 3), moved_bytes=0))
        assert idleness.idle_s(0.0) == (0.0 if working else (minute - 3) * 60.0)
    assert idleness.idle_s(480.0) == 60.0


def test_this_very_machine_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "stat").write_text("cpu  100 20 30 9999 888 7 3 0 0 0\ncpu0 1 2\n")
    head = "Inter-|   Receive\n face |bytes\n"
    rows = "    lo: 99 0 0 0 0 0 0 0 99 0\n  eth0: 1342 17 0 0 0 0 0 0 2210 19 0\n"
    (tmp_path / "net/dev").write_text(head + rows)
    assert sampled(5.0, tmp_path) == Sample(at_s=5.0, cpu_s=1.6, moved_bytes=3552)
    assert sampled(0.0).cpu_s > 0


LIMITS = Limits(whole_s=86400.0, left_s=1.0, idle_s=3600.0)


def test_at_the_limit_a_program_ends_with_that_reason() -> None:
    assert ending_of(LIMITS, idle_s=0.0, taken_in_s=None) is None
    ended = ending_of(replace(LIMITS, left_s=0.0), idle_s=0.0, taken_in_s=None)
    assert ended is not None
    assert ended.reason.startswith("reached its limit of 24 h (")
    assert "cryoem extend" in ended.reason
    assert ended.taken_in_s is None


def test_a_machine_that_does_nothing_ends_its_program_with_that_reason() -> None:
    assert ending_of(LIMITS, idle_s=3599.0, taken_in_s=None) is None
    ended = ending_of(LIMITS, idle_s=3600.0, taken_in_s=None)
    assert ended is not None
    assert "did nothing for 60 min" in ended.reason


def test_a_machine_that_is_taken_goes_on_until_there_is_just_time_to_save() -> None:
    assert ending_of(LIMITS, idle_s=0.0, taken_in_s=110.0) is None
    ended = ending_of(LIMITS, idle_s=0.0, taken_in_s=40.0)
    assert ended is not None
    assert ended.taken_in_s == 40.0


def test_where_there_are_no_limits_nothing_ends() -> None:
    assert ending_of(Limits(), idle_s=1e9, taken_in_s=None) is None
    assert Limits().left_s == math.inf


@dataclass
class Watched(Unbothered):
    name: str = "m"
    said: list[str] = field(default_factory=list)
    heard: Notice | None = None
    idle_s: float = 3600.0
    left_s: float = math.inf
    until: list[datetime] = field(default_factory=list)

    def up(self) -> None: ...
    def worked(self) -> None: ...
    def leave(self, *, last: bool) -> None: ...

    def progressed(self) -> None:
        self.said.append("progressed")

    def notice(self) -> Notice | None:
        return self.heard

    def limits(self) -> Limits:
        return Limits(idle_s=self.idle_s, left_s=self.left_s)

    def extend(self, until: datetime) -> None:
        self.until.append(until)


def test_progress_is_told_when_there_was_some() -> None:
    myself, clock = Watched(), StoppedClock()
    condition = Condition(myself, clock, sample=lambda at: replace(BUSY, at_s=at))
    condition.look()
    assert myself.said == []
    condition.progressed()
    condition.look()
    condition.look()
    assert myself.said == ["progressed"]


def test_files_that_travel_are_progress_before_a_program_starts() -> None:
    myself, clock, moved = Watched(), StoppedClock(), [0]
    condition = Condition(
        myself, clock, sample=lambda at: Sample(at_s=at, cpu_s=0.0, moved_bytes=moved[0])
    )
    for bytes_ in (0, 100, 100_000_000):
        moved[0] += bytes_
        condition.look()
        clock.pass_(60.0)
    assert myself.said == ["progressed"]


@pytest.mark.parametrize("counts", [False, True])
def test_processors_in_use_are_progress_for_programs_that_may_say_nothing(*, counts: bool) -> None:
    myself, clock, cpu = Watched(), StoppedClock(), [0.0]
    condition = Condition(
        myself, clock, sample=lambda at: Sample(at_s=at, cpu_s=cpu[0], moved_bytes=0)
    )
    condition.look()
    condition.use_counts = counts
    for worked_s in (60.0, 0.5, 60.0):
        clock.pass_(60.0)
        cpu[0] += worked_s
        condition.look()
    assert myself.said == ["progressed", "progressed"] * counts


def test_that_there_is_more_time_is_asked_for_seldom_and_often_near_the_end() -> None:
    asked: list[float] = []
    myself, clock, later = Watched(left_s=3600.0), StoppedClock(), datetime(2026, 1, 2, tzinfo=UTC)

    def extended() -> datetime:
        asked.append(clock.monotonic())
        return later

    condition = Condition(myself, clock, extended=extended, sample=lambda _: BUSY)
    for _ in range(720):
        condition.look()
        clock.pass_(5.0)
        myself.left_s -= 5.0
    seldom = [600.0 * n for n in range(6)]
    often = [3480.0 + 20.0 * n for n in range(6)]
    assert [at - asked[0] for at in asked] == seldom + often
    assert set(myself.until) == {later}


def test_a_program_that_hangs_is_ended_after_its_time_and_one_that_works_is_not() -> None:
    myself, clock, cpu = Watched(), StoppedClock(), [0.0]
    condition = Condition(
        myself, clock, sample=lambda at: Sample(at_s=at, cpu_s=cpu[0], moved_bytes=0)
    )
    for minute in range(75):
        cpu[0] += 60.0 if minute < 10 else 0.5
        condition.look()
        clock.pass_(60.0)
        ended = condition.ending(0.0)
        assert (ended is not None) == (minute >= 9 + 60), minute
    assert condition.ending(4000.0) is None  # another program, begun later


def test_a_notice_stops_what_is_new_and_a_recommendation_does_not() -> None:
    myself, clock = Watched(), StoppedClock()
    condition = Condition(myself, clock, sample=lambda at: replace(BUSY, at_s=at))
    condition.look()
    assert (condition.in_danger, condition.taken) == (False, False)
    myself.heard = Notice()
    condition.look()
    assert (condition.in_danger, condition.taken) == (True, False)
    myself.heard = Notice(within_s=120.0)
    condition.look()
    assert (condition.in_danger, condition.taken) == (True, True)
    assert condition.ending(0.0) is None
    clock.pass_(80.0)
    ended = condition.ending(0.0)
    assert ended is not None
    assert ended.taken_in_s == 40.0
