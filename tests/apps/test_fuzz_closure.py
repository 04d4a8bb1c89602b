"""Whatever a project holds: needs or one of our errors, and no file that is named is left out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.programs import PROGRAMS
from cryoem_cloud.apps.relion.row import Program, Reading
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.errors import CryoemError, FormatError
from cryoem_cloud.model.job import Job
from tests.apps.conftest import make_job
from tests.apps.shelf import Shelf

_OUT = "Job/job099"
_ROWS = [
    row
    for row in PROGRAMS.values()
    if "" not in row.interactive
    and any(reading.columns for option, reading in row.inputs.items() if option.startswith("-"))
]

_LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Nothing is said of time: the computer may have other things to do."""

# Well-formed projects: every file that is named is needed.

_LETTERS = "abcxyz019.-_+=,()!%^&|;<>{}éµ\N{SNOWMAN}\udce9"
_FOLDERS = ("", "Extract/job002/", "a/b/c/", "µ/")


@dataclass
class Drawn:
    """A project that is drawn, and what a job must need of it."""

    dice: Random
    files: dict[str, bytes] = field(default_factory=dict)
    expected: set[str] = field(default_factory=set)

    def file(self, reading: Reading, depth: int = 0) -> str:
        """The name of a new file that is read so, and of all that it names."""
        name = "".join(self.dice.choices(_LETTERS, k=self.dice.randint(0, 5)))
        end = ".star" if reading.columns else ".mrcs"
        path = f"{self.dice.choice(_FOLDERS)}{len(self.files)}{name}{end}"
        self.files[path] = b""
        self.expected.add(path)
        if reading.columns:
            self.files[path] = self._list(reading, depth)
        return path

    def _list(self, reading: Reading, depth: int) -> bytes:
        dice = self.dice
        columns = {} if reading.among else reading.columns  # not every row of these is followed
        labels = dice.sample(sorted(columns), dice.randint(0, len(columns)))
        most = 1 if depth or reading.first_of is not None else 9
        quotes = dice.choice((("",), ("",), ("", "'", '"')))
        count = dice.randint(0, most) if labels else 0
        table = [
            [
                dice.choice(quotes).join(("", self._word(columns[label], depth), ""))
                for label in labels
            ]
            for _ in range(count)
        ]
        head, figures = [f"_{label}" for label in labels], dice.randint(0, 3)
        head += [f"_rlnX{at}" for at in range(figures)]
        rows = [[*row, *("7" * figures)] for row in table]
        if len(rows) == 1 and dice.random() < 0.5:
            lines = [f"{label} {value}" for label, value in zip(head, rows[0], strict=True)]
            return "\n".join(["data_", "", *lines, ""]).encode("utf-8", "surrogateescape")
        gap = dice.choice((" ", "  ", "\t"))
        lines = [
            "# remark",
            "data_x",
            "loop_",
            *head,
            *map(gap.join, rows),
            dice.choice((" ", "")),
            "",
        ]
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    def _word(self, reading: Reading, depth: int) -> str:
        name = self.file(reading, depth + 1)
        if not reading.columns and self.dice.random() < 0.5:
            name = f"{self.dice.randint(1, 10**6):06d}@{name}"
        return name

    def command(self, row: Program) -> str:
        """A call of a program with some of its inputs."""
        words = [row.name, "--o", f"{_OUT}/run", "--pipeline_control", f"{_OUT}/"]
        flags = {variant.flag for variant in row.variants} | {kept.flag for kept in row.kept}
        options = [
            option
            for option, reading in row.inputs.items()
            if option.startswith("-") and not reading.inside and option not in flags
        ]
        for option in self.dice.sample(options, self.dice.randint(0, len(options))):
            words += [option, f"'{self.file(row.inputs[option])}'"]
        return " ".join(words)


@_LAW
@given(row=st.sampled_from(_ROWS), seed=st.integers(0))
def test_every_file_that_is_named_in_a_column_that_is_followed_is_needed(
    row: Program, seed: int
) -> None:
    drawn = Drawn(Random(seed))
    script = drawn.command(row)
    found = {need.path for need in Relion().needs(make_job(script), Shelf(drawn.files))}
    assert drawn.expected <= found


@_LAW
@given(seed=st.integers(0))
def test_the_generic_rule_leaves_no_file_out(seed: int) -> None:
    drawn = Drawn(Random(seed))
    name = drawn.file(Reading(columns={"rlnImageName": Reading(), "rlnSomeMap": Reading()}))
    script = f"relion_brand_new --x '{name}' --o {_OUT}/y"
    found = {need.path for need in Relion().needs(make_job(script), Shelf(drawn.files))}
    assert drawn.expected <= found


@_LAW
@given(row=st.sampled_from(_ROWS), seed=st.integers(0), what=st.binary(max_size=3))
def test_a_list_with_an_odd_spot_is_needs_or_an_error_that_names_it(
    row: Program, seed: int, what: bytes
) -> None:
    drawn = Drawn(Random(seed))
    script = drawn.command(row)
    lists = [path for path in drawn.files if path.endswith(".star")]
    if not lists:
        return
    broken = drawn.dice.choice(lists)
    text = drawn.files[broken]
    at = drawn.dice.randint(0, len(text))
    files = {**drawn.files, broken: text[:at] + what + text[at + 1 :]}
    error = _error(Relion(), make_job(script), files)
    assert not isinstance(error, FormatError) or error.message.startswith(f"{broken} line ")


def _error(application: Relion | Shell, job: Job, files: dict[str, bytes]) -> CryoemError | None:
    """Ask for needs, and see to it that they are some, or an error of ours with a message."""
    try:
        needs = list(application.needs(job, Shelf(files, hidden={"b.star": b"data_\n"})))
    except CryoemError as error:
        return error
    assert all(need.path and need.asked_by for need in needs)
    return None


# Anything at all: an answer, or one of our errors.

_LINES = st.sampled_from(
    [
        b"data_", b"data_general", b"loop_", b"_rlnImageName #1", b"_rlnReferenceImage", b"a.star",
        b"_rlnModelStarFile a.star", b"_rlnModelStarFile b.star", b"_rlnMicrographName", b"#", b"",
        b"_rlnExperimentalDataStarFile a.star", b"1@a.star", b"000002@'b c'", b'"a.star" x', b" ",
        b"_rlnExperimentalDataStarFile b.star", b"None", b"..", b"/etc/passwd", b"a\0b",
        b"\xff@\xfe", b"_rlnTomoTiltSeriesStarFile a.star", b"_rlnMicrographCoordinates #2", b"*",
        b"b.star a.star",
    ]
)  # fmt: skip
_FILES = st.lists(_LINES | st.binary(max_size=6), max_size=14).map(b"\n".join)
_WORDS = st.sampled_from(
    sorted(
        {*PROGRAMS, *(option for row in PROGRAMS.values() for option in row.inputs)}
        | {variant.flag for row in PROGRAMS.values() for variant in row.variants}
        | {kept.flag for row in PROGRAMS.values() for kept in row.kept}
        | {"--o", "Job/job099/run", "a.star", "b.star", "*.star", "--coord_dir", "--coord_suffix"}
        | {".", "..", "~", "/etc/passwd", "@abs/x", "a.star:mrc", ";", "|", "<", "'", '"', "`which"}
        | {"[a", "\\", "$(", "x" * 300, "é", "\udce9", "\0", "&&", "#", "<<EOF", "EOF"}
    )
)
_SCRIPTS = st.lists(_WORDS | st.text(max_size=4), max_size=16).map(" ".join)


@_LAW
@given(script=_SCRIPTS, first=_FILES, second=_FILES)
def test_any_script_and_lists_give_needs_or_one_of_our_errors(
    script: str, first: bytes, second: bytes
) -> None:
    job = make_job(script, outputs=(_OUT,))
    files = {"a.star": first, "b.star": second, f"{_OUT}/job.star": second}
    _error(Relion(), job, files)
    _error(Shell(), job, files)


@_LAW
@given(first=_FILES, second=_FILES)
def test_optimisers_that_lead_to_each_other_come_to_an_end(first: bytes, second: bytes) -> None:
    head = b"data_\n_rlnModelStarFile b.star\n_rlnExperimentalDataStarFile a.star\n"
    job = make_job("relion_refine --continue a.star --o Job/job099/run")
    _error(Relion(), job, {"a.star": head + first, "b.star": head + second})


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "law",
    [
        test_every_file_that_is_named_in_a_column_that_is_followed_is_needed,
        test_the_generic_rule_leaves_no_file_out,
        test_a_list_with_an_odd_spot_is_needs_or_an_error_that_names_it,
        test_any_script_and_lists_give_needs_or_one_of_our_errors,
        test_optimisers_that_lead_to_each_other_come_to_an_end,
    ],
)
def test_the_laws_hold_for_many_more(law: Callable[[], None]) -> None:
    for _ in range(50):  # a hundred examples each, others each time
        law()
