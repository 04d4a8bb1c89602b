"""The table of RELION's programs, and its page in the manual."""

import subprocess
import sys
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion.programs import PROGRAMS, UNKNOWN, program
from cryoem_cloud.apps.relion.reference import reference_page

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "relion-programs.md"


def test_a_program_is_found_with_or_without_mpi() -> None:
    assert program("relion_refine_mpi") is program("relion_refine") is PROGRAMS["relion_refine"]
    assert program("relion_brand_new") is UNKNOWN


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_row_speaks_of_options_that_it_has(name: str) -> None:
    row = PROGRAMS[name]
    assert all(variant.option in row.inputs for variant in row.variants)
    assert row.outputs


def test_the_page_in_the_manual_is_the_table() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "cryoem_cloud.apps.relion.reference"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert made.stdout == reference_page() == _PAGE.read_text()
