"""A project of a real one's size: 500 movies, 200,000 particles, 100,000 files in one folder."""

import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome
from tests.apps.conftest import _CTFFIND

from .conftest import SUCCESS, World
from .realistic_project import MOVIES, PARTICLES, SCRIPTS, write_project

pytestmark = pytest.mark.soak

_MOST_MIB = 500
_LONGEST_S = 900
_MANY = 100_000


@dataclass
class Watch:
    """The most memory that the programs of ours took, in MiB, by their kind."""

    world: World
    peaks: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Read what the kernel remembers of each."""
        for process in self.world.processes("courier", "agent"):
            with suppress(OSError, StopIteration):
                status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                line = next(line for line in status if line.startswith("VmHWM:"))
                mib = int(line.split()[1]) // 1024
                self.peaks[process.kind] = max(self.peaks.get(process.kind, 0), mib)

    def run(self, submit: Callable[[], int]) -> float:
        """Have a job submitted, and see to its good end; how long it took, in s."""
        begun = time.monotonic()
        number = submit()
        last = 0.0

        def ended() -> bool:
            nonlocal last
            if time.monotonic() - last > 0.2:
                self.look()
                last = time.monotonic()
            return not self.world.card(number).open

        self.world.wait_for(ended, seconds=_LONGEST_S)
        wall_s = time.monotonic() - begun
        card = self.world.wait_for_end(number)
        assert card.outcome is Outcome.SUCCESS, card
        return wall_s


@pytest.mark.relion
@pytest.mark.timeout(3600)
def test_a_chain_of_500_movies_and_200_000_particles(
    world: World, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    if shutil.which("relion_refine") is None:
        pytest.skip("needs relion: apt-get install relion ghostscript")
    pytest.importorskip("mrcfile", reason="needs the demo group")
    write_project(world.project)
    ctffind = tmp_path / "ctffind"
    ctffind.write_text(_CTFFIND)
    ctffind.chmod(stat.S_IRWXU)
    watch = Watch(world)
    for folder, command in SCRIPTS.items():
        script = world.project / folder / "run_submit.script"
        script.parent.mkdir(parents=True)
        script.write_text(command.format(ctffind=ctffind) + "\n")
        wall_s = watch.run(partial(world.qsub, f"{folder}/run_submit.script"))
        assert (world.project / folder / SUCCESS).exists()
        record_property(f"{folder} s", round(wall_s, 1))
        record_property(f"{folder} MiB", dict(watch.peaks))
    corrected = world.project / "MotionCorr/job002/Movies"
    assert len(list(corrected.glob("*.mrc"))) == MOVIES
    classified = (world.project / "Class2D/job006/run_it001_data.star").read_text()
    assert classified.count(".mrcs") == PARTICLES
    assert all(mib <= _MOST_MIB for mib in watch.peaks.values()), watch.peaks


@pytest.mark.timeout(3600)
def test_100_000_files_in_one_folder_come_home_and_go_out(
    world: World, record_property: Callable[[str, object], None]
) -> None:
    watch = Watch(world)
    made, counted = "Shell/job001", "Shell/job002"
    make = f"seq {_MANY} | (cd {made} && split -l 1 -a 6 -d - part-)\n"
    wall_s = watch.run(lambda: world.submit(make, name=made))
    record_property("home s", round(wall_s, 1))
    record_property("home MiB", dict(watch.peaks))
    found = sorted((world.project / made).glob("part-*"))
    assert [path.read_text() for path in found] == [f"{n}\n" for n in range(1, _MANY + 1)]
    each = f"find {made} -name 'part-*' -exec cat {{}} +"  # more names than a command takes
    count = f"{each} | sort -nu | wc -l > {counted}/count\n"
    wall_s = watch.run(lambda: world.submit(count, name=counted, inputs=(made,)))
    record_property("out s", round(wall_s, 1))
    record_property("out MiB", dict(watch.peaks))
    assert (world.project / counted / "count").read_text() == f"{_MANY}\n"
    assert all(mib <= _MOST_MIB for mib in watch.peaks.values()), watch.peaks


_CLOSURE = """\
import sys, time
from pathlib import Path
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from tests.apps.conftest import make_job
begun = time.monotonic()
job = make_job(
    "relion_refine --i particles.star --o Class2D/job001/run --K 2"
    " --pipeline_control Class2D/job001/"
)
count = sum(1 for _ in Relion().needs(job, Here(Path(sys.argv[1]))))
took_s = time.monotonic() - begun
status = Path("/proc/self/status").read_text().splitlines()  # of getrusage the parent's counts too
peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
print(count, peak_kib // 1024, round(took_s, 1))
"""


def test_the_closure_of_a_million_particles_needs_little_memory(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    stacks, each = 2000, 500
    head = (
        "data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImageSize #2\n1 64\n\ndata_particles\n\n"
        "loop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n_rlnImageName #3\n_rlnMicrographName #4\n"
        "_rlnOpticsGroup #5\n_rlnDefocusU #6\n_rlnDefocusV #7\n"
    )
    (tmp_path / "Extract").mkdir()
    with (tmp_path / "particles.star").open("w") as star:
        star.write(head)
        for stack in range(stacks):
            (tmp_path / f"Extract/mic_{stack}.mrcs").touch()
            rest = f"Extract/mic_{stack}.mrcs MotionCorr/mic_{stack}.mrc 1 15000.0 14800.0\n"
            star.writelines(f"{n}.0 {n}.5 {n:06d}@{rest}" for n in range(1, each + 1))
        star.write("\n")
    command = [sys.executable, "-c", _CLOSURE, str(tmp_path)]
    root = Path(__file__).parents[2]
    said = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    count, mib, took_s = said.split()
    record_property("MiB", int(mib))
    record_property("s", float(took_s))
    assert int(count) == stacks + 1
    assert int(mib) <= _MOST_MIB
