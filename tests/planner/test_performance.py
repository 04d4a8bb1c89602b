"""How long a work takes: against what was measured, and what more of anything does."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.machine_type import MachineType
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.planner.performance import Rates, published, run_s, why_unknown
from tests.planner.works import CLASS2D, CORES, KINDS, L4, MOTION, REFINE, V100, WORKS, kind

RATES = published()
K80 = kind("p2.8xlarge", gpu="K80", gpus=4, gpu_memory_gib=12)
SCARF_MEASURED_S = {
    (REFINE, "K80"): 133_412,
    (replace(REFINE, box_px=256), "K80"): 48_720,
    (REFINE, "V100"): 17_891,
    (CLASS2D, "V100"): 11_592,
}


@pytest.mark.parametrize(("work", "gpu"), SCARF_MEASURED_S)
def test_what_was_measured_on_four_gpus_is_in_the_range(work: Work, gpu: str) -> None:
    found = run_s(work, V100 if gpu == "V100" else K80, RATES)
    assert found.p10 <= SCARF_MEASURED_S[work, gpu] <= found.p90


def test_one_reference_gpu_takes_what_its_unit_says_and_the_host_helps_a_little() -> None:
    found = run_s(CLASS2D, replace(V100, gpus=1), RATES)
    units = 749_000 * 100 * 25 * 128**2
    assert 0.98 * units * 1.3e-9 < found.p50 <= units * 1.3e-9


def test_more_gpus_help_less_than_they_are() -> None:
    one, four, many = (run_s(CLASS2D, replace(V100, gpus=n), RATES).p50 for n in (1, 4, 1000))
    assert one / 4 < four < one
    assert many > RATES.serial.p50 / RATES.host.p50 * one


def test_a_command_of_few_threads_leaves_gpus_and_cores_idle() -> None:
    two = run_s(replace(CLASS2D, threads=2), V100, RATES)
    assert two == run_s(CLASS2D, replace(V100, gpus=2), RATES)
    assert run_s(replace(CLASS2D, threads=20), V100, RATES) == run_s(CLASS2D, V100, RATES)
    assert run_s(replace(MOTION, threads=8), CORES, RATES).p50 == pytest.approx(
        2 * run_s(MOTION, CORES, RATES).p50
    )


def test_gpus_that_were_not_measured_have_wider_ranges() -> None:
    v100, l4 = (run_s(CLASS2D, machine, RATES) for machine in (V100, L4))
    assert l4.p50 > v100.p50
    assert l4.p90 / l4.p10 > v100.p90 / v100.p10


def test_machines_share_what_comes_in_pieces() -> None:
    alone, shared = (run_s(MOTION, CORES, RATES, machines=n) for n in (1, 8))
    assert alone.p50 == pytest.approx(8 * shared.p50)


def test_the_tutorials_motion_correction_takes_five_minutes() -> None:
    tutorial = Work(program=Program.MOTION, items=24, pixels=3838 * 3710, frames=24)
    twelve_cores = MachineType(name="lmb", vcpus=24, memory_gib=64)
    assert run_s(tutorial, twelve_cores, RATES).p50 == pytest.approx(300, rel=0.05)


def test_code_for_vector_units_is_faster_and_needs_them() -> None:
    on_cores = replace(REFINE, on_gpus=False)
    plain, vectors = (
        run_s(work, CORES, RATES).p50 for work in (on_cores, replace(on_cores, on_vectors=True))
    )
    older = replace(CORES, processor="AMD Milan")
    without = run_s(replace(on_cores, on_vectors=True), older, RATES).p50
    assert vectors < without < plain


@pytest.mark.parametrize("processor", ["", "AMD Milan", "Intel Broadwell"])
def test_processors_without_avx512_take_longer(processor: str) -> None:
    work = replace(REFINE, on_gpus=False, on_vectors=True)
    with_it = run_s(work, CORES, RATES).p50
    assert run_s(work, replace(CORES, processor=processor), RATES).p50 > with_it


@pytest.mark.parametrize(
    ("work", "machine", "why"),
    [
        (CLASS2D, CORES, "the machine has none"),
        (CLASS2D, replace(L4, gpu="V520"), "V520"),
        (Work(program=Program.OTHER), CORES, "no times are known of what it runs"),
        (replace(MOTION, on_gpus=True), L4, "no times are known of motion correction on GPUs"),
        (replace(CLASS2D, box_px=0), V100, "does not tell its box_px"),
        (replace(CLASS2D, items=0), V100, "does not tell its items"),
    ],
)
def test_what_is_not_known_is_said(work: Work, machine: MachineType, why: str) -> None:
    assert why in why_unknown(work, machine, RATES)
    with pytest.raises(ValueError, match="not known"):
        run_s(work, machine, RATES)


def test_who_knows_the_rate_of_another_program_may_bring_it() -> None:
    other = Work(program=Program.OTHER, items=100)
    known = replace(RATES, programs={Program.OTHER: RATES.programs[Program.EXTRACT]})
    assert why_unknown(other, CORES, known) == ""
    assert run_s(other, CORES, known) == run_s(
        replace(other, program=Program.EXTRACT), CORES, RATES
    )


@settings(max_examples=60)
@given(WORKS, KINDS)
def test_either_a_time_is_known_or_why_it_is_not(work: Work, machine: MachineType) -> None:
    if why_unknown(work, machine, RATES):
        return
    found = run_s(work, machine, RATES)
    more = run_s(replace(work, items=2 * work.items), machine, RATES)
    assert found.p50 <= more.p50


def test_every_program_but_other_has_rates_and_every_figure_a_source() -> None:
    assert set(RATES.programs) == set(Program) - {Program.OTHER}


def test_a_table_of_another_version_is_refused() -> None:
    with pytest.raises(FormatError, match="version 2"):
        Rates.from_json({"v": 2})
