"""The table of programs, held against what the installed programs say of themselves.

Debian's RELION 3.1.3, and RELION 5.0.1 where RELION_BIN names the folder of its programs.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion.programs import PROGRAMS
from cryoem_cloud.apps.relion.row import Program

pytestmark = pytest.mark.relion

_RELION_5 = os.environ.get("RELION_BIN", "")
"""Taken when this is imported: tests get a clean environment."""
_VERSIONS = ("3.1.3", "5.0.1")
_OPTION = re.compile(
    r"^\s+(?P<option>-{1,4}\w\S*)(?: \((?P<default>.*?)\))? : (?P<text>.*)$", re.MULTILINE
)
"""`                          --mask () : Filename of a user-provided mask`"""
_NO_NAME = re.compile(r"false|true|[-+]?(?:[\d.]+(?:e[-+]?\d+)?|inf)")
"""Defaults of flags and of numbers."""
_FILE = re.compile(
    r"file|star\b|\bmap|mask|stack|image|\.mrc|directory|folder|\bset\b|\bref|point group"
    r"|symmetry group",
    re.IGNORECASE,
)

_TELLS_NOTHING = ("relion_external_reconstruct",)
_IN_PYTHON = ("relion_python_", "relion_filament_selection", "model_angelo")
"""They need an environment that RELION's CPU build does not bring."""
_HAS_A_SCREEN = ("relion_display", "relion_manualpick")
"""They are not built where there is no GUI."""

_UNTOLD = {
    "relion_refine": {"--continue", "--model", "--multibody_masks", "--sampling", "--sigma"},
}
"""Options that programs read and do not tell of; their source was read."""

_NAME_NO_INPUT = {
    "relion_import": {"--ofile"},
    "relion_run_motioncorr": {"--archive"},
    "relion_autopick": {"--pickname"},
    "relion_preprocess": {"--pick_star"},
    "relion_star_handler": {
        "--discard_label",
        "--check_duplicates",
        "--set_to",
        "--remove_column",
        "--add_column",
        "--add_column_value",
    },
    "relion_class_ranker": {
        "--ext",
        "--fn_sel_parts",
        "--fn_sel_classavgs",
        "--fn_root",
        "--mask_folder_name",
        "--fn_features",
    },
    "relion_refine": {"--helical_exclude_resols"},
    "relion_ctf_refine": {"--a1", "--a2"},
    "relion_motion_refine": {"--a1", "--a2", "--suffix"},
    "relion_tomo_import_coordinates": {"--remove_substring", "--remove_substring2"},
    "relion_reconstruct": {"--img", "--debug"},
    "relion_localsym": {"--i_mask_info_parsed_ext"},
    "relion_helix_toolbox": {"--i_root", "--i1_root", "--i2_root"},
}
"""Options that sound like files and name none that we send: outputs, labels, parts of names, and
two maps that CtfRefine and Polish do not read. Where a row's remark asks for --in, it is these."""


def folder_of(version: str) -> Path:
    """Where that version's programs are."""
    if version.startswith("3"):
        found = shutil.which("relion_refine")
        if found is None:
            pytest.skip("needs relion: apt-get install relion")
        return Path(found).parent
    if not _RELION_5:
        pytest.skip("no RELION 5: RELION_BIN does not name the folder of its programs")
    return Path(_RELION_5)


@cache
def told(program: Path) -> dict[str, tuple[str, str]]:
    """The options that a program tells of: the default and the text."""
    chosen = ("--use_own",) if program.name == "relion_run_motioncorr" else ()
    done = subprocess.run(
        [program, *chosen, "--help"],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
    )
    return {
        found["option"]: (found["default"] or "", found["text"])
        for found in _OPTION.finditer(done.stdout)
    }


def named(row: Program) -> Iterator[str]:
    """Every option and flag of which a row speaks, and words at the places of options."""
    yield from row.inputs
    for variant in row.variants:
        yield from (variant.flag, variant.option)
    yield from (kept.flag for kept in row.kept)
    yield from (output.option for output in row.outputs)
    yield from (*row.unnamed, *row.untried, *row.only, *row.interactive, row.threads)
    yield from ("--gpu",) * (row.gpu is not None)
    for when in filter(None, (row.gpu, row.ranks)):
        yield from (*when.flags, *when.but)
    yield from ("--scratch_dir",) * row.scratch
    yield from ("--coord_dir", "--coord_suffix") * row.coordinates
    for executable in row.executables:
        yield from (executable.option, *executable.when, executable.unless)


def options_of(row: Program) -> set[str]:
    return {word for word in named(row) if word.startswith("-")} - _UNTOLD.get(row.name, set())


def claims() -> Iterator[tuple[str, str]]:
    """The rows that claim to know a version, and can be asked."""
    for name, row in PROGRAMS.items():
        for version in _VERSIONS:
            asked = not name.startswith(_IN_PYTHON) and name not in _TELLS_NOTHING
            if asked and version in row.read.split():
                yield name, version


@pytest.mark.parametrize(("name", "version"), tuple(claims()))
def test_a_row_names_options_that_the_program_has(name: str, version: str) -> None:
    program = folder_of(version) / name
    if name in _HAS_A_SCREEN and not program.exists():
        pytest.skip("this RELION was built without its GUI")
    row, has = PROGRAMS[name], told(program)
    should = {o for o in options_of(row) if version in row.only.get(o, version).split()}
    assert sorted(should - has.keys()) == []
    assert sorted((options_of(row) - should) & has.keys()) == []


@pytest.mark.parametrize(("name", "version"), tuple(claims()))
def test_an_option_that_sounds_like_a_file_is_known(name: str, version: str) -> None:
    program = folder_of(version) / name
    row = PROGRAMS[name]
    if "" in row.interactive:
        pytest.skip("it is refused, whatever it reads")
    sounding = {
        option
        for option, (default, text) in told(program).items()
        if not _NO_NAME.fullmatch(default) and _FILE.search(text)
    }
    assert sorted(sounding - set(named(row)) - _NAME_NO_INPUT.get(name, set())) == []


@pytest.mark.parametrize("name", [name for name, row in PROGRAMS.items() if row.ran])
def test_a_program_that_was_run_can_be_asked(name: str) -> None:
    assert name in {claimed for claimed, _ in claims()}


def test_exceptions_are_of_programs_in_the_table() -> None:
    assert PROGRAMS.keys() >= {*_UNTOLD, *_NAME_NO_INPUT, *_TELLS_NOTHING, *_HAS_A_SCREEN}
