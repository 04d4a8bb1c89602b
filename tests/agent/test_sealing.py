"""Which outputs are sent when, of programs that write checkpoints, and of those that do not."""

from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.agent.outputs import Found
from cryoem_cloud.agent.sealing import Sealing
from cryoem_cloud.model.file import Stamp

_MUCH = 100 * 1024 * 1024


def file(path: str, written_s: float, size: int = _MUCH) -> Found:
    return Found(path, Stamp(size=size, mtime_ns=int(written_s * 1e9), inode=1), 0o100644)


def iteration(number: int, written_s: float) -> list[Found]:
    names = ("optimiser", "model", "sampling")
    return [file(f"it{number}_{name}", written_s + at / 10) for at, name in enumerate(names)]


def names(*numbers: int) -> set[str]:
    return {found.path for number in numbers for found in iteration(number, 0)}


def is_seal(path: str) -> bool:
    return path.endswith("sampling")


@dataclass
class Run:
    """What a program has written, and what of that was sent."""

    sealing: Sealing = field(default_factory=lambda: Sealing(seals=is_seal, replaces=is_seal))
    there: list[Found] = field(default_factory=list)
    sent: set[Found] = field(default_factory=set)

    def due(self, now_s: float) -> set[str]:
        found = [found for found in self.there if found not in self.sent]
        due = self.sealing.due(found, lambda: self.there, self.sent.__contains__, now_s)
        return {found.path for found in due}

    def send(self, paths: set[str]) -> None:
        self.sent |= {found for found in self.there if found.path in paths}


def test_of_several_checkpoints_the_newest_goes_first_and_whole() -> None:
    run = Run(there=[*iteration(1, 10), *iteration(2, 20), *iteration(3, 30)])
    run.there.append(file("it4_optimiser", 40))
    assert run.due(41) == {"it3_optimiser", "it3_model"}
    run.send({"it3_optimiser"})
    assert run.due(42) == {"it3_model"}
    run.send({"it3_model"})
    assert run.due(43) == {"it3_sampling"}


def test_a_checkpoint_that_is_being_sent_is_not_left_for_a_newer_one() -> None:
    run = Run(there=iteration(1, 10))
    assert run.due(11) == {"it1_optimiser", "it1_model"}
    run.there += [*iteration(2, 20), *iteration(3, 30)]
    assert run.due(31) == {"it1_optimiser", "it1_model"}
    run.send(names(1))
    run.due(32)
    assert run.due(60) == {"it3_optimiser", "it3_model"}


def test_checkpoints_take_half_of_the_time_at_most() -> None:
    run = Run(there=iteration(1, 10))
    run.due(11)
    run.there += iteration(2, 20)
    run.send(names(1))
    assert not run.due(71)
    assert not run.due(130)
    assert run.due(132) == {"it2_optimiser", "it2_model"}


def test_a_machine_that_may_be_taken_sends_without_a_rest() -> None:
    hurried: list[bool] = []
    sealing = Sealing(seals=is_seal, replaces=is_seal, hurried=lambda: bool(hurried))
    run = Run(sealing=sealing, there=iteration(1, 10))
    run.due(11)
    run.there += iteration(2, 20)
    run.send(names(1))
    assert not run.due(71)
    hurried.append(True)
    assert run.due(72) == {"it2_optimiser", "it2_model"}


def test_the_rest_after_a_store_was_away_for_an_hour_is_short() -> None:
    run = Run(there=iteration(1, 10))
    run.due(11)
    run.there += iteration(2, 20)
    run.send(names(1))
    assert not run.due(3611)
    assert run.due(3611 + 301) == {"it2_optimiser", "it2_model"}


def test_what_was_passed_over_is_sent_when_there_is_nothing_newer() -> None:
    run = Run(there=[*iteration(1, 10), *iteration(2, 20)])
    now_s = 21.0
    for _ in range(20):
        run.send(run.due(now_s))
        now_s += 5
    assert {found.path for found in run.sent} == names(1, 2)


def test_what_a_rank_wrote_a_second_after_the_seal_goes_with_it() -> None:
    late = file("it2_data", 21.2)
    run = Run(there=[*iteration(1, 10), *iteration(2, 20), late, *iteration(3, 25)[:1]])
    assert run.due(30) == {"it2_optimiser", "it2_model", "it2_data"}


def test_a_checkpoint_that_is_written_anew_is_not_waited_for() -> None:
    run = Run(there=iteration(1, 10))
    run.due(11)
    run.there = iteration(1, 12)
    run.due(13)
    assert run.due(60) == {"it1_optimiser", "it1_model"}


def test_items_that_are_sealed_stay_in_their_order() -> None:
    run = Run(Sealing(seals=is_seal), [*iteration(1, 10), *iteration(2, 20)])
    run.send({"it1_optimiser", "it1_model"})
    assert run.due(21) == {"it1_sampling", "it2_optimiser", "it2_model"}


def test_an_empty_folder_holds_nothing_up() -> None:
    """Programs make the folders of all their outputs before they write into the first."""
    empty = replace(file("second", 5), mode=0o40755)
    run = Run(Sealing(seals=is_seal), there=[empty, *iteration(1, 10)])
    run.send({"it1_optimiser", "it1_model"})
    assert "it1_sampling" in run.due(20)


def test_of_little_nothing_is_passed_over() -> None:
    """What a machine that is lost has not sent would be missing at home."""
    small = [
        replace(found, stamp=replace(found.stamp, size=1000))
        for number in (1, 2, 3)
        for found in iteration(number, 10 * number)
    ]
    run = Run(there=small)
    assert run.due(31) == {f"it{n}_{name}" for n in (1, 2, 3) for name in ("optimiser", "model")}
    run.send(run.due(31))
    assert run.due(32) == {"it1_sampling"}
    run.send(run.due(32))
    assert run.due(33) == {"it2_sampling"}


def test_of_a_program_that_was_lost_the_newest_checkpoint_is_doubtful_alone() -> None:
    there = [*iteration(1, 10), *iteration(2, 20)]
    paths = {found.path for found in Run().sealing.doubtful(there)}
    assert paths == {"it2_sampling"}
    assert {f.path for f in Sealing(seals=is_seal).doubtful(there)} == {
        "it1_sampling",
        "it2_sampling",
    }


def test_outputs_without_seals_go_as_they_come() -> None:
    run = Run(Sealing(), [file("a.mrc", 1), file("b.mrc", 2)])
    assert run.due(3) == {"a.mrc", "b.mrc"}


@given(
    written=st.lists(st.integers(0, 40), min_size=1, max_size=6, unique=True),
    a_step=st.integers(1, 3),
)
def test_a_seal_that_was_sent_has_its_iteration_sent(written: list[int], a_step: int) -> None:
    """Whenever the machine is lost; and all is sent in the end, whatever the speed."""
    run = Run()
    for now_s in range(400):
        run.there += [f for at in written if at == now_s for f in iteration(at, at)]
        run.send(set(sorted(run.due(float(now_s)))[:a_step]))
        for number in written:
            if f"it{number}_sampling" in {found.path for found in run.sent}:
                assert names(number) <= {found.path for found in run.sent}
    assert set(run.there) == run.sent
