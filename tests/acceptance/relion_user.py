"""A user of RELION's: a project that is connected, and RELION's own programs run in it."""

import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.model.errors import FormatError
from demo.pipeline import connect, make_project, statuses
from tests.apps.conftest import _CTFFIND

from .conftest import World, end_world, make_world

__all__ = [
    "ABORTED",
    "CHAIN",
    "FAILED",
    "FINISHED",
    "MOVIES",
    "OPTIONS",
    "RUNNING",
    "SCHEDULED",
    "RelionUser",
    "make_user",
    "simulated",
    "spare",
    "user",
    "worked",
]

MOVIES, SIZE = 5, 512
LAUNCHERS = Path(__file__).parents[2] / ".venv/bin"
RUNNING, SCHEDULED, FINISHED, FAILED, ABORTED = "0", "1", "2", "3", "4"
"""RELION 3.1's numbers for what has become of a job."""
_PICKS = "coords_suffix_autopick.star"

OPTIONS: Mapping[str, str] = {
    "Import": "fn_in_raw == Movies/*.tif;angpix == 3.5;kV == 300;Cs == 2.7;Q0 == 0.1",
    "MotionCorr": "input_star_mics == {Import}/movies.star;fn_gain_ref == gain.mrc;"
    "dose_per_frame == 1.5;patch_x == 1;patch_y == 1;do_own_motioncor == Yes",
    "CtfFind": "input_star_mics == {MotionCorr}/corrected_micrographs.star;"
    "fn_ctffind_exe == {ctffind};use_ctffind4 == Yes",
    "AutoPick": "fn_input_autopick == {CtfFind}/micrographs_ctf.star;do_log == Yes;"
    "log_diam_min == 140;log_diam_max == 200;log_adjust_thr == 0.3",
    "Extract": "star_mics == {CtfFind}/micrographs_ctf.star;"
    "coords_suffix == {AutoPick}/{picks};extract_size == 96;"
    "do_rescale == Yes;rescale == 32",
    "Class2D": "fn_img == {Extract}/particles.star;nr_classes == 2;nr_iter == 3;nr_threads == 1;"
    "particle_diameter == 280;psi_sampling == 30;offset_range == 2;offset_step == 2;"
    "other_args == --random_seed 1",
    "Class3D": "fn_img == {Extract}/particles.star;fn_ref == reference.mrc;nr_classes == 2;"
    "nr_iter == 3;sampling == 30 degrees;nr_threads == 1;particle_diameter == 280;"
    "offset_range == 2;offset_step == 2;do_pad1 == Yes;other_args == --random_seed 1",
    "InitialModel": "fn_img == {Extract}/particles.star;sgd_ini_iter == 1;sgd_inbetween_iter == 1;"
    "sgd_fin_iter == 1;sgd_write_iter == 1;sgd_ini_subset_size == 20;sgd_fin_subset_size == 20;"
    "sgd_ini_resol == 60;sgd_fin_resol == 60;sampling == 30 degrees;nr_threads == 1;"
    "particle_diameter == 280;offset_range == 2;offset_step == 2;other_args == --random_seed 1",
}
"""RELION's own names of the fields of its windows, where they differ from what it proposes."""
CHAIN = ("Import", "MotionCorr", "CtfFind", "AutoPick", "Extract", "Class2D")


@dataclass
class RelionUser:
    """Works in the world's project. `spare` has movies that the microscope has yet to write,
    `folders` the jobs that were run before a test, by their kind.
    """

    world: World
    spare: Path
    folders: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.world.project

    def say(self, program: str, *words: str, seconds: float = 300) -> str:
        """Run a program of RELION's with env.sh sourced; what it printed."""
        with self.starts(program, *words) as process:
            said, _ = process.communicate(timeout=seconds)
        assert process.returncode == 0, f"{program} {' '.join(words)}: {said}{self.world.story()}"
        return str(said)

    @contextmanager
    def starts(self, program: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """While a program of RELION's runs."""
        command = ("sh", "-c", f'. ./env.sh && exec {program} "$@"', "sh", *words)
        with subprocess.Popen(
            command,
            cwd=self.project,
            env=self.world.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def add_movies(self, *numbers: int) -> None:
        """The microscope writes these movies."""
        for number in numbers:
            name = f"mic_{number:03d}.tif"
            shutil.copy(self.spare / "Movies" / name, self.project / "Movies" / name)

    def add(self, kind: str, folders: Mapping[str, str], more: str = "", *, alias: str = "") -> str:
        """Schedule a job of that kind, which reads from `folders`; its own folder."""
        number = self.counter()
        said = OPTIONS[kind].format(**folders, ctffind=self.spare / "ctffind", picks=_PICKS)
        said += ";do_queue == Yes" + (f";{more}" if more else "")
        named = ("--setJobAlias", alias) if alias else ()
        self.say("relion_pipeliner", "--addJob", kind, "--addJobOptions", said, *named)
        return f"{kind}/job{number:03d}"

    def counter(self) -> int:
        """The number of the next job."""
        pipeline = (self.project / "default_pipeline.star").read_text()
        return int(re.findall(r"_rlnPipeLineJobCounter +(\d+)", pipeline)[0])

    def add_chain(self, until: str) -> dict[str, str]:
        """Schedule all jobs up to that kind; their folders."""
        folders: dict[str, str] = {}
        for kind in CHAIN[: CHAIN.index(until) + 1]:
            folders[kind] = self.add(kind, folders)
        return folders

    def run(self, *folders: str, repeat: int = 1) -> None:
        """Run jobs as RELION's *Run scheduled jobs* does, one after the other, to their end."""
        self.say("relion_pipeliner", *_asked(folders), "--repeat", str(repeat))

    @contextmanager
    def running(self, *folders: str) -> Iterator[subprocess.Popen[str]]:
        """While relion_pipeliner waits for the jobs."""
        with self.starts("relion_pipeliner", *_asked(folders)) as process:
            yield process

    def go_on(self, folder: str, **fields: str) -> None:
        """*Continue!* a job, with fields of its window changed, to its end."""
        self.change(folder, **fields)
        self.run(folder)

    def change(self, folder: str, **fields: str) -> None:
        """Load a job, and change fields of its window; it is a continuation now."""
        file = self.project / folder / "job.star"
        text = re.sub(r"(_rlnJobIsContinue +)\d", r"\g<1>1", file.read_text())
        for name, value in fields.items():
            text, changes = re.subn(rf"(?m)^( *{name} +).*$", rf'\g<1>"{value}"', text)
            assert changes == 1, name
        file.write_text(text)

    def status(self, folder: str) -> str:
        """What RELION says of the job in that folder; "" while it writes its file."""
        with suppress(FormatError, OSError):
            return statuses(self.project).get(folder, "")
        return ""

    def card(self, folder: str) -> Card:
        """The newest card of the job in that folder."""
        cards = [c for c in Cards(self.world.places.state / "jobs").all() if c.name == folder]
        return cards[-1]

    def ended(self, folder: str) -> Card:
        """The newest card of the job in that folder, once it says so too: RELION knows it first."""
        return self.world.wait_for_end(self.card(folder).number)

    def cards(self, folder: str) -> list[Card]:
        """All cards of the jobs in that folder."""
        return [c for c in Cards(self.world.places.state / "jobs").all() if c.name == folder]


@pytest.fixture(scope="session")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Movies, a gain reference, and a program that stands in for CTFFIND."""
    if shutil.which("relion_pipeliner") is None:
        pytest.skip("needs relion: apt-get install relion ghostscript")
    pytest.importorskip("mrcfile", reason="needs the demo group")
    return simulated(tmp_path_factory.mktemp("relion") / "spare")


@pytest.fixture
def user(world: World, spare: Path) -> RelionUser:
    """A user with three movies in a connected project."""
    return make_user(world, spare)


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory, spare: Path) -> Iterator[RelionUser]:
    """A user who has particles; tests add jobs of their own to `user.folders`."""
    world = make_world(tmp_path_factory.mktemp("worked"))
    user = make_user(world, spare)
    user.folders = user.add_chain("Extract")
    user.run(*user.folders.values())
    yield user
    end_world(world)


def _asked(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Words that ask for these jobs; without the last blank RELION 3.1 forgets the last one."""
    names = "".join(f"{folder}/ " for folder in folders)
    return ("--schedule", "mine", "--RunJobs", names, "--sec_wait_after", "1")


def simulated(folder: Path) -> Path:
    """Movies, a gain reference, and a program that stands in for CTFFIND."""
    import mrcfile  # noqa: PLC0415  (only with the demo group)
    import numpy as np  # noqa: PLC0415

    make_project(folder, movies=MOVIES, size=SIZE)
    z, y, x = np.mgrid[:32, :32, :32] - 16
    with mrcfile.new(folder / "reference.mrc") as file:
        file.set_data(np.exp(-(x**2 + 2 * y**2 + z**2) / 60).astype(np.float32))
        file.voxel_size = 10.5
    (folder / "ctffind").write_text(_CTFFIND)
    (folder / "ctffind").chmod(stat.S_IRWXU)
    return folder


def make_user(world: World, spare: Path, *, movies: int = 3) -> RelionUser:
    """A connected project with the first of the movies."""
    user = RelionUser(world, spare)
    (world.project / "Movies").mkdir()
    user.add_movies(*range(1, movies + 1))
    for name in ("gain.mrc", "reference.mrc", "default_pipeline.star"):
        shutil.copy(spare / name, world.project / name)
    connect(world.project, LAUNCHERS, world.env)
    return user
