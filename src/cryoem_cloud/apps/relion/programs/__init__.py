"""What we know of RELION's programs: one row each, in the file of their area.

A row says which options name files, what of these files is opened, and which columns of a STAR
file lead to further files. A program without a row is followed by the generic rule (`UNKNOWN`):
every word of its command line that is an existing file of the project, and from there every
column that may hold a file's name. relion/row.py explains the columns; `python -m
cryoem_cloud.apps.relion.reference` prints the table as docs/reference/relion-programs.md.
"""

from collections.abc import Mapping

from cryoem_cloud.apps.relion.programs import (
    hand_tools,
    particles,
    postprocessing,
    preprocessing,
    python_tools,
    refinement,
    tomography,
)
from cryoem_cloud.apps.relion.row import Output, Program

__all__ = ["NO_FILES", "PROGRAMS", "UNKNOWN", "program"]

NO_FILES = frozenset({"", "None", "none", "gauss"})
"""Words that stand for no file where a file's name may stand."""

_AREAS = (
    preprocessing,
    particles,
    refinement,
    postprocessing,
    tomography,
    python_tools,
    hand_tools,
)

PROGRAMS: Mapping[str, Program] = {row.name: row for area in _AREAS for row in area.ROWS}

UNKNOWN = Program(
    name="",
    jobs="any other",
    inputs={},
    outputs=(
        Output(option="--odir", folder=True),
        Output(option="--output-directory", folder=True),
        Output(option="--o", folder=False),
    ),
    remark="every existing file on the command line, and every file that these name",
)


def program(name: str) -> Program:
    """The row for a program's name, with or without `_mpi`; `UNKNOWN` if there is none."""
    return PROGRAMS.get(name.removesuffix("_mpi"), UNKNOWN)
