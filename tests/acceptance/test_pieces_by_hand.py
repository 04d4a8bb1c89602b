"""Jobs in pieces, without agents: each piece in a folder with nothing else, then joined by RELION.

Debian's RELION 3.1.3, and RELION 5.0.1 where RELION_BIN names the folder of its programs.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.overlaid import Overlaid
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.star import rows_in
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Cut, Resumed
from cryoem_cloud.ports.view import View
from tests.apps.conftest import make_job

from .machines_by_hand import Machine, joined_by, piece_on, ranges, resumed_on, whole_on
from .ran_alone import LEAVES, MOVIES, made_alone
from .relion_compare import differences
from .relion_direct import Direct

pytestmark = pytest.mark.relion

_LAST = "mic_007"
_FEW = 3

_UNREAD = {
    "MotionCorr": MOVIES,
    "CtfFind": MOVIES,
    "Extract": MOVIES - 1,
    "Extract again": MOVIES - 1,
    "Extract helix": MOVIES - 1,
    "AutoPick LoG": MOVIES,
    "AutoPick references": MOVIES,
    "CtfRefine": MOVIES,
    "Polish": 0,
}
"""How many inputs the joining command does not read."""

_SAYS_NOTHING = frozenset({"run.out", "run.err"})


@pytest.fixture(scope="session", params=["3.1.3", "5.0.1"])
def direct(request: pytest.FixtureRequest, ran_alone: Callable[[str], Direct]) -> Direct:
    """A project in which all the jobs ran, each on its own."""
    return ran_alone(request.param)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[[Direct, str], "_Lab"]]:
    yield lambda direct, label: _Lab(direct, label, tmp_path)
    shutil.rmtree(tmp_path)


class _Lab:
    """Runs one job of a project in several ways; `view` is what it sees of the project."""

    def __init__(self, direct: Direct, label: str, top: Path) -> None:
        ran = direct.ran[label]
        self.job: Job = make_job(ran.script, outputs=(ran.folder,))
        self.view: View = Here(direct.path)
        self._env = direct.env
        self._top = top
        self.alone = Machine(direct.path, self.job, direct.env)
        """Where the job ran on its own, or is to be compared with."""

    def machine(self, name: str) -> Machine:
        made = Machine(self._top / name, self.job, self._env)
        made.folder.mkdir()
        return made

    @property
    def cut(self) -> Cut:
        made = Relion().cut(self.job, self.view)
        assert isinstance(made, Cut)
        return made

    def run_alone(self) -> int:
        """Anew, as the view is another one now."""
        self.alone = self.machine("alone")
        whole_on(self.alone, self.view)
        return self.alone.run(self.job.script)

    def pieces(self, count: int) -> list[Machine]:
        cut = self.cut
        return [self.piece(cut, items) for items in ranges(cut.items, count)]

    def piece(self, cut: Cut, items: tuple[int, int]) -> Machine:
        machine = self.machine(f"piece-{items[0]}")
        piece_on(machine, cut, self.view, items)
        assert machine.run(cut.script(items[0])) == 0, said(machine)
        assert (machine.folder / self.job.outputs[0] / "RELION_JOB_EXIT_SUCCESS").exists()
        return machine

    def going_on(self, name: str, from_: Sequence[Machine]) -> tuple[Machine, Resumed]:
        """What the job has made once it has gone on from what these have made."""
        second, whole = self.machine(name), self.machine(f"{name}-home")
        resumed = resumed_on(second, self.job.script, self.view, from_)
        assert second.run(resumed.script) == 0, said(second)
        touched = set(second.outputs()) - resumed.reads - resumed.tests
        assert not touched & resumed.stands, "what stands is not made again"
        joined_by(second, resumed, whole)
        return whole, resumed

    def differs(self, whole: Machine) -> list[str]:
        folder = self.job.outputs[0]
        found = differences(whole.folder / folder, self.alone.folder / folder)
        ours = (*_SAYS_NOTHING, "RELION_JOB_EXIT_SUCCESS")
        return [line for line in found if not line.endswith(ours)]


def said(machine: Machine) -> str:
    return (machine.folder / machine.job.outputs[0] / "run.err").read_text()


def listed(view: View, path: str, label: str) -> list[str]:
    with view.open(path) as file:
        return [row.values[label] for row in rows_in(file, label.__eq__, name=path)]


def test_movies_are_corrected_in_pieces(tmp_path: Path, lab: Callable[[Direct, str], _Lab]) -> None:
    few = made_alone(tmp_path, "3.1.3", movies=_FEW, last="MotionCorr")
    motion = lab(few, "MotionCorr")
    whole, resumed = motion.going_on("join", motion.pieces(2))
    assert motion.differs(whole) == []
    assert resumed.idle == {f"Movies/mic_{number:03d}.tif" for number in range(1, _FEW + 1)}


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("label", LEAVES)
def test_pieces_together_are_the_job(
    direct: Direct, label: str, count: int, lab: Callable[[Direct, str], _Lab]
) -> None:
    job = lab(direct, label)
    whole, resumed = job.going_on("join", job.pieces(count))
    assert job.differs(whole) == []
    assert len(resumed.idle) == _UNREAD[label]


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("label", LEAVES)
@pytest.mark.parametrize("after", [2, 5])
def test_a_job_that_was_killed_goes_on(
    direct: Direct, label: str, after: int, lab: Callable[[Direct, str], _Lab]
) -> None:
    job = lab(direct, label)
    leaves = LEAVES[label]
    lost = job.machine("lost")
    whole_on(lost, job.view)
    lost.hold_up(_LAST)
    code = lost.run(job.job.script, lambda out: len(list(out.rglob(leaves))) >= after)
    assert code < 0
    whole, resumed = job.going_on("second", [lost])
    assert resumed.stands <= set(lost.outputs())
    assert 0 < sum(PurePosixPath(path).match(leaves) for path in resumed.stands) < MOVIES
    assert job.differs(whole) == []


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("label", ["MotionCorr", "Polish"])
def test_a_piece_that_was_killed_goes_on_and_is_joined(
    direct: Direct, label: str, lab: Callable[[Direct, str], _Lab]
) -> None:
    job = lab(direct, label)
    cut = job.cut
    first, lost, second = job.piece(cut, (0, 3)), job.machine("lost"), job.machine("second")
    seen = piece_on(lost, cut, job.view, (3, 7))
    lost.hold_up(_LAST)
    lost.run(cut.script(3), lambda out: len(list(out.rglob(LEAVES[label]))) >= 3)
    resumed = resumed_on(second, cut.script(3), seen, [lost])
    assert second.run(resumed.script) == 0, said(second)
    rest = job.machine("rest")
    joined_by(second, resumed, rest)
    whole, _ = job.going_on("join", [first, rest])
    assert job.differs(whole) == []


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("done", [0, 7])
def test_a_piece_of_which_all_or_nothing_is_done(
    direct: Direct, done: int, lab: Callable[[Direct, str], _Lab]
) -> None:
    """Polish would end without a word where there is nothing to do."""
    job = lab(direct, "Polish")
    cut = job.cut
    first, second = job.machine("first"), job.machine("second")
    seen = piece_on(first, cut, job.view, (0, 7))
    first.run(cut.script(0), lambda _: not done)
    if not done:
        assert Relion().resumed(job.job, cut.script(0), seen, first.outputs()) is None
        return
    resumed = resumed_on(second, cut.script(0), seen, [first])
    assert second.run(resumed.script) == 0
    assert (second.folder / job.job.outputs[0] / "RELION_JOB_EXIT_SUCCESS").exists()


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_movie_that_fails_alone_fails_its_piece(
    direct: Direct, lab: Callable[[Direct, str], _Lab]
) -> None:
    job = lab(direct, "MotionCorr")
    job.view = Overlaid(job.view, {"Movies/mic_003.tif": b"no movie"})
    assert job.run_alone() == 1
    why = "Image::openFile cannot open: Movies/mic_003.tif"
    assert why in said(job.alone)
    cut, machine = job.cut, job.machine("piece")
    piece_on(machine, cut, job.view, (2, 4))
    assert machine.run(cut.script(2)) == 1
    assert why in said(machine)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_micrograph_without_picks_is_left_out(
    direct: Direct, lab: Callable[[Direct, str], _Lab]
) -> None:
    job = lab(direct, "Extract")
    picks = f"{direct.ran['AutoPick LoG'].folder}/Movies/mic_003_autopick.star"
    with job.view.open(picks) as file:
        labels = [line for line in file if not re.match(rb" +\d", line)]
    job.view = Overlaid(job.view, {picks: b"".join(labels)})
    assert job.run_alone() == 0
    whole, _ = job.going_on("join", job.pieces(7))
    assert job.differs(whole) == []
    names = listed(Here(whole.folder), f"{job.job.outputs[0]}/particles.star", "rlnMicrographName")
    assert names
    assert not any("mic_003" in name for name in names)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_micrograph_that_cannot_be_fitted_is_left_out(
    direct: Direct, tmp_path: Path, lab: Callable[[Direct, str], _Lab]
) -> None:
    job = lab(direct, "CtfFind")
    fits = direct.path.parent / "ctffind"
    fails = tmp_path / "ctffind-fails"
    refusal = "read -r output\ncase $image in *mic_003*) exit 1;; esac\n"
    fails.write_text(fits.read_text().replace("read -r output\n", refusal))
    fails.chmod(0o700)
    job.job = replace(job.job, script=job.job.script.replace(str(fits), str(fails)))
    assert job.run_alone() == 0
    whole, _ = job.going_on("join", job.pieces(3))
    assert job.differs(whole) == []
    left = listed(Here(whole.folder), f"{job.job.outputs[0]}/micrographs_ctf.star", "rlnCtfImage")
    assert len(left) == MOVIES - 1


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_names_with_dots_are_as_relion_makes_them(
    direct: Direct, tmp_path: Path, lab: Callable[[Direct, str], _Lab]
) -> None:
    """Dots become underscores in the names of images, but not in those of pictures."""
    job = lab(direct, "MotionCorr")
    names = ("Mov.d/a.b_1.tif", "Mov.d/a.b.tif", "Mov/a.b_1.tif", "top.x.tif")
    movies = [f"Movies/mic_{number:03d}.tif" for number in range(1, MOVIES + 1)]
    with job.view.open(job.cut.path) as file:
        text = file.read()
    for movie, name in zip(movies, names, strict=False):
        text = text.replace(movie.encode(), name.encode())
        into = tmp_path / "user" / name
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(direct.path / movie, into)
    listed_ = [line for line in text.splitlines(keepends=True) if not line.startswith(b"Movies/")]
    path = tmp_path / "user" / job.cut.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(listed_))
    shutil.copy(direct.path / "gain.mrc", tmp_path / "user")
    job.view = Here(tmp_path / "user")
    assert job.run_alone() == 0
    whole, resumed = job.going_on("join", job.pieces(len(names)))
    assert job.differs(whole) == []
    assert resumed.idle == set(names)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("label", ["MotionCorr", "CtfFind", "Extract", "CtfRefine", "Polish"])
def test_a_piece_may_lack_an_optics_group(
    direct: Direct, label: str, lab: Callable[[Direct, str], _Lab]
) -> None:
    job = lab(direct, label)
    with job.view.open(job.cut.path) as file:
        grouped = _in_two_groups(file.read())
    job.view = Overlaid(job.view, {job.cut.path: grouped})
    assert job.run_alone() == 0
    whole, _ = job.going_on("join", job.pieces(2))
    assert job.differs(whole) == []


def _in_two_groups(data: bytes) -> bytes:
    """The last three micrographs get an optics group of their own, the same but for its name."""
    lines: list[bytes] = []
    table, labels = b"", list[bytes]()
    for line in data.split(b"\n"):
        words = line.split()
        if line.startswith(b"data_"):
            table, labels = line.strip(), []
        elif words and words[0].startswith(b"_"):
            labels.append(words[0])
        elif words and labels and not words[0].startswith((b"#", b"loop_")):
            group = labels.index(b"_rlnOpticsGroup")
            if table == b"data_optics":
                lines.append(line)
                words[labels.index(b"_rlnOpticsGroupName")] = b"second"
            if table == b"data_optics" or re.search(rb"mic_00[567]", line):
                words[group] = b"2"
            line = b" ".join(words)  # noqa: PLW2901  (as RELION reads it)
        lines.append(line)
    return b"\n".join(lines)
