"""The table of RELION's programs, and its page in the manual."""

import subprocess
import sys
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion.programs import PROGRAMS, UNKNOWN, program
from cryoem_cloud.apps.relion.reference import reference_page
from cryoem_cloud.apps.relion.row import Output
from cryoem_cloud.apps.relion.script import calls, job_folder

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "relion-programs.md"


def test_a_program_is_found_with_or_without_mpi() -> None:
    assert program("relion_refine_mpi") is program("relion_refine") is PROGRAMS["relion_refine"]
    assert program("relion_brand_new") is UNKNOWN


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_row_speaks_of_options_that_it_has(name: str) -> None:
    row = PROGRAMS[name]
    assert all(variant.option in row.inputs for variant in row.variants)
    assert row.outputs


@pytest.mark.parametrize(
    ("name", "output"), [(name, output) for name, row in PROGRAMS.items() for output in row.outputs]
)
def test_a_command_says_where_it_writes(name: str, output: Output) -> None:
    places = {"2": f"{name} word Job/job001/"}
    root = "" if output.folder else "run"
    script = places.get(output.option, f"{name} {output.option} Job/job001/{root}")
    (call,) = calls(script)
    assert job_folder(call).rstrip("/") == "Job/job001"


def test_the_page_in_the_manual_is_the_table() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "cryoem_cloud.apps.relion.reference"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert made.stdout == reference_page() == _PAGE.read_text()


def test_tools_that_were_run_are_run_again_through_us() -> None:
    commands = (Path(__file__).parents[1] / "acceptance" / "relion_by_hand.py").read_text()
    by_hand = [row for row in PROGRAMS.values() if row.ran and row.jobs == "by hand"]
    assert len(by_hand) > 4
    assert [row.name for row in by_hand if f'"{row.name} ' not in commands] == []
