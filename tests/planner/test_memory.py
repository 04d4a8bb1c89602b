"""What cannot fit: by what was measured to fit, and by the cube of the box."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from cryoem_cloud.model.machine_type import Listing, MachineType
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.memory import lacking, needed
from tests.planner.works import ALL_LISTINGS, CORES, L4, MOTION, REFINE, WORKS, kind, plan

K80 = kind("p2.8xlarge", 32, 488, gpu="K80", gpus=8, gpu_memory_gib=12)
V100_32 = kind("dgx", gpu="V100", gpus=1, gpu_memory_gib=32)
A10G = kind("g5.xlarge", 4, 16, gpu="A10G", gpus=1, gpu_memory_gib=22.4)
RIBOSOME = Work(
    program=Program.CLASS3D, items=105_247, box_px=360, classes=6, iterations=25, on_gpus=True
)


@pytest.mark.parametrize(
    ("work", "machine"),
    [(REFINE, K80), (REFINE, V100_32), (RIBOSOME, A10G), (RIBOSOME, replace(A10G, gpu="T4"))],
)
def test_what_was_published_to_have_run_is_not_excluded(work: Work, machine: MachineType) -> None:
    assert lacking(work, machine) == ""


def test_a_box_too_large_for_the_gpu_is_told_with_what_it_needs() -> None:
    roomy = replace(L4, memory_gib=384)
    why = lacking(replace(REFINE, box_px=720), roomy)
    assert why.startswith("needs 31.")
    assert "GB of each GPU, and has less" in why
    assert lacking(replace(REFINE, box_px=720, pad=1.0), roomy) == ""


def test_one_gpu_holds_both_halves() -> None:
    one = replace(L4, gpus=1)
    assert needed(REFINE, one).gpu == 2 * needed(REFINE, L4).gpu
    assert "of each GPU" in lacking(replace(REFINE, box_px=540), one)


def test_the_machine_holds_a_map_for_each_half() -> None:
    on_cores = replace(REFINE, on_gpus=False)
    assert "of memory, and has less" in lacking(on_cores, CORES)
    assert lacking(replace(on_cores, box_px=400), CORES) == ""


def test_a_movie_has_to_fit() -> None:
    assert needed(MOTION, CORES).machine == pytest.approx(2**30 + 12 * 7420 * 7676 * 38)
    assert "of memory" in lacking(MOTION, replace(CORES, memory_gib=16))


def test_ranks_that_the_user_fixed_each_hold_their_own() -> None:
    three = needed(replace(REFINE, ranks=3), L4)
    six = needed(replace(REFINE, ranks=6), L4)
    assert six.gpu == 2 * three.gpu  # two share a GPU of four
    assert six.machine - 2**30 == 2 * (three.machine - 2**30)
    assert "of memory for 8 working ranks" in lacking(replace(MOTION, ranks=8), CORES)


def test_two_dimensional_classes_take_little() -> None:
    work = Work(program=Program.CLASS2D, items=10, box_px=512, classes=200, on_gpus=True)
    assert lacking(work, replace(A10G, gpu_memory_gib=8)) == ""


@settings(max_examples=40)
@given(WORKS, ALL_LISTINGS)
def test_a_plan_never_offers_what_the_rule_excludes(work: Work, listings: list[Listing]) -> None:
    made = plan(work, tuple(listings))
    offered = {option.listing.kind for option in made.front}
    offered |= {made.choice.listing.kind} if made.choice else set()
    assert not [machine for machine in offered if lacking(work, machine)]
    said = {name for excluded in made.excluded for name in excluded.kinds}
    assert {found.kind.name for found in listings if lacking(work, found.kind)} <= said
