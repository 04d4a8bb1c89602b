"""Jobs that RELION runs one after the other by itself, while movies are being added."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from cryoem_cloud.apps.star import rows
from cryoem_cloud.model.job import Outcome
from demo.pipeline import statuses

from .conftest import end_world, make_world
from .relion_user import CHAIN, FINISHED, OPTIONS, RelionUser, make_user, spare, user

__all__ = ["spare", "user"]

pytestmark = [pytest.mark.relion, pytest.mark.timeout(300)]

_PREPROCESSING = CHAIN[: CHAIN.index("Extract") + 1]
_REPEATS = 3
_COUNT, _OVER, _THERE = "done=done_PLUS_one", "over=done_GT_before_last", "may_go=EXISTS_go"
"""Operators, as 3.1 calls them by itself; 5.0 is told."""
_RELION_BIN = os.environ.get("RELION_BIN", "")
"""The folder of RELION 5.0's programs; tests do not see the variable."""


@dataclass(frozen=True, kw_only=True)
class _Release:
    """What a release of RELION's calls it. `types` are the jobs' in its job.star."""

    program: str
    folder: str
    option: str
    type_label: str
    types: tuple[str, ...]
    picks: str
    more: Mapping[str, str] = field(default_factory=dict)
    finished: str


_RELION_3 = _Release(
    program="relion_scheduler",
    folder="Schedules",
    option="--schedule",
    type_label="_rlnJobType",
    types=("0", "1", "2", "4", "5"),
    picks="coords_suffix_autopick.star",
    finished=FINISHED,
)

_RELION_5 = _Release(
    program="relion_schemer",
    folder="Schemes",
    option="--scheme",
    type_label="_rlnJobTypeLabel",
    types=(
        "relion.import.movies",
        "relion.motioncorr.own",
        "relion.ctffind.ctffind4",
        "relion.autopick.log",
        "relion.extract",
    ),
    picks="autopick.star",
    more={"MotionCorr": ";do_float16 == No", "Extract": ";do_float16 == No"},
    finished="Succeeded",
)


@pytest.fixture
def user_of_5(tmp_path: Path, spare: Path) -> Iterator[RelionUser]:
    """A user whose RELION is 5.0."""
    if not _RELION_BIN:
        pytest.skip("needs RELION 5.0: RELION_BIN names the folder of its programs")
    world = make_world(tmp_path)
    world.env["PATH"] = f"{_RELION_BIN}{os.pathsep}{world.env['PATH']}"
    yield make_user(world, spare)
    end_world(world)


def _job_star(release: _Release, kind: str, said: str) -> str:
    """A job as RELION saves it."""
    type_ = release.types[CHAIN.index(kind)]
    fields = (field.partition(" == ") for field in said.split(";"))
    return (
        f"data_job\n\n{release.type_label} {type_}\n_rlnJobIsContinue 0\n_rlnJobIsTomo 0\n\n"
        "data_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"
        + "".join(f'{name} "{value}"\n' for name, _, value in fields)
        + "\n"
    )


def _variables() -> Iterator[tuple[str, ...]]:
    """What the repeats are counted with, and what says that movies were added."""
    for name, value in {
        "done": "0",
        "one": "1",
        "before_last": str(_REPEATS - 1),
        "over": "False",
        "may_go": "False",
        "go": "more_movies",
    }.items():
        yield ("variable", "--name", name, "--value", value)
    for name, words in {
        _COUNT: "float=plus --i done --i2 one --o done",
        _OVER: "bool=gt --i done --i2 before_last --o over",
        _THERE: "bool=file_exists --i go --o may_go",
        "DELETE_go": "delete_file --i go",
        "WAIT_one": "wait --i one",
        "EXIT": "exit",
    }.items():
        yield ("operator", "--name", name, "--type", *words.split())


def _graph() -> Iterator[tuple[str, ...]]:
    """All jobs, again and again; before each repeat it waits for the file `more_movies`."""
    jobs = [kind.lower() for kind in _PREPROCESSING]
    nodes = [*jobs, _COUNT, _OVER]
    for one, other in (*pairwise(nodes), ("WAIT_one", _THERE), ("DELETE_go", jobs[0])):
        yield ("edge", "--i", one, "--o", other)
    yield ("fork", "--i", _OVER, "--bool", "over", "--o", "EXIT", "--o2", "WAIT_one")
    yield ("fork", "--i", _THERE, "--bool", "may_go", "--o", "DELETE_go", "--o2", "WAIT_one")


def _make_schedule(user: RelionUser, release: _Release) -> None:
    def add(*words: str) -> None:
        user.say(release.program, release.option, "prep", "--add", *words)

    folders = {kind: f"{release.folder}/prep/{kind.lower()}" for kind in _PREPROCESSING}
    for words in _variables():
        add(*words)
    for kind in _PREPROCESSING:
        said = OPTIONS[kind].format(**folders, ctffind=user.spare / "ctffind", picks=release.picks)
        more = release.more.get(kind, "")
        text = _job_star(release, kind, f"{said};do_queue == Yes{more}")
        (user.project / f"{kind.lower()}job.star").write_text(text)
        add("job", "--i", kind.lower(), "--mode", "continue")
    for words in _graph():
        add(*words)


def _repeat_with_more_movies(user: RelionUser, release: _Release) -> None:
    """Run the schedule; a movie is added after each repeat."""
    with user.starts(release.program, release.option, "prep", "--run") as scheduler:
        for repeat in range(1, _REPEATS):
            user.world.wait_for(partial(_extracted, user, repeat), seconds=100)
            user.add_movies(3 + repeat)
            (user.project / "more_movies").touch()
        said, _ = scheduler.communicate(timeout=100)
        assert scheduler.returncode == 0, said


def _statuses(project: Path) -> dict[str, str]:
    """What the project's pipeline says of each job, by its folder; in both releases' words."""
    labels = {"rlnPipeLineProcessStatus", "rlnPipeLineProcessStatusLabel"}
    name = "rlnPipeLineProcessName"
    table = rows(
        project / "default_pipeline.star",
        {name, *labels}.__contains__,
        table="pipeline_processes",
    )
    return {
        row.values[name].rstrip("/"): next(row.values[key] for key in labels & row.values.keys())
        for row in table
    }


def _extracted(user: RelionUser, times: int) -> bool:
    """Whether so many repeats have come to their end."""
    return sum(not card.open for card in user.cards("Extract/job005")) == times


def _corrected(out: Path) -> list[str]:
    """The movies that MotionCorr says it has worked on, repeats included."""
    return [line.split()[1] for line in out.read_text().splitlines() if line.startswith("  * Mov")]


def _repeats_well(user: RelionUser, release: _Release) -> None:
    _make_schedule(user, release)
    _repeat_with_more_movies(user, release)
    folders = {kind: f"{kind}/job{n:03d}" for n, kind in enumerate(_PREPROCESSING, start=1)}
    assert _statuses(user.project) == dict.fromkeys(folders.values(), release.finished)
    for name in folders.values():
        user.ended(name)
        assert [card.outcome for card in user.cards(name)] == [Outcome.SUCCESS] * _REPEATS
    movies = [f"Movies/mic_{number:03d}.tif" for number in range(1, 6)]
    assert _corrected(user.project / folders["MotionCorr"] / "run.out") == movies
    particles = user.project / folders["Extract"] / "particles.star"
    found = {row.values["rlnMicrographName"] for row in rows(particles, "rlnMicrographName".__eq__)}
    assert {Path(name).stem for name in found} == {Path(movie).stem for movie in movies}


@pytest.mark.soak
def test_a_schedule_repeats_with_the_movies_that_were_added(user: RelionUser) -> None:
    _repeats_well(user, _RELION_3)


@pytest.mark.soak
def test_a_scheme_of_relion_5_repeats_with_the_movies_that_were_added(
    user_of_5: RelionUser,
) -> None:
    _repeats_well(user_of_5, _RELION_5)


def test_a_chain_of_six_jobs_runs_unattended(user: RelionUser) -> None:
    folders = user.add_chain("Class2D")
    user.run(*folders.values())
    assert len(folders) == 6
    assert statuses(user.project) == dict.fromkeys(folders.values(), FINISHED)
    assert all(user.ended(name).outcome is Outcome.SUCCESS for name in folders.values())
    assert (user.project / folders["Class2D"] / "run_it003_classes.mrcs").exists()
