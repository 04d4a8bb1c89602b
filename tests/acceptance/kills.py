"""The job that is killed at, when to kill it, and what must be true afterwards."""

import hashlib
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.turn import Standing, standing
from cryoem_cloud.providers.local.machine import LocalMachine

from .conftest import FAILURES, SUCCESS, Process, World

PHASES = ("upload", "launch", "run", "homecoming", "marker")
"""The issue's words. Of an agent or a machine, upload is fetching, and marker is publishing."""
INPUT_BYTES = 192 * 1024 * 1024
BURST_BYTES = 64 * 1024 * 1024
_SCRIPT = """\
out={name}
sum=$(md5sum < {big} | cut -c1-32)
for n in $(seq 1 {files}); do
    echo "line $n"
    for i in $(seq 1 $((n % 50 * 40))); do echo "$sum $n $i"; done > $out/file_$n.txt
    sleep {nap}
done
head -c {burst} {big} > $out/last.bin
echo complete
"""


@dataclass(frozen=True)
class Long:
    """A job of many files, and of `files` x `nap` seconds."""

    world: World
    name: str
    files: int
    nap: float

    @property
    def folder(self) -> Path:
        """Where its results belong."""
        return self.world.project / self.name

    @property
    def big(self) -> Path:
        """Its input, of bytes that no other job has sent."""
        return self.world.project / f"{self.folder.name}.bin"

    def submit(self) -> int:
        """Hand it in."""
        self.big.write_bytes(random.Random(self.name).randbytes(INPUT_BYTES))
        big = self.big.name
        script = _SCRIPT.format(
            name=self.name, big=big, files=self.files, nap=self.nap, burst=BURST_BYTES
        )
        return self.world.submit(script, name=self.name, inputs=(big,))

    def results_are_right(self) -> None:
        """Every byte is there, once, and nothing else is."""
        data = self.big.read_bytes()
        total = hashlib.md5(data).hexdigest()
        want = {f"file_{n}.txt" for n in range(1, self.files + 1)}
        want |= {"last.bin", "run.out", "run.err", "run_submit.script", SUCCESS}
        assert {path.name for path in self.folder.iterdir()} == want
        for n in range(1, self.files + 1):
            lines = "".join(f"{total} {n} {i}\n" for i in range(1, n % 50 * 40 + 1))
            assert (self.folder / f"file_{n}.txt").read_text() == lines
        assert (self.folder / "last.bin").read_bytes() == data[:BURST_BYTES]
        said = [f"line {n}" for n in range(1, self.files + 1)] + ["complete"]
        assert (self.folder / "run.out").read_text().splitlines() == said
        assert (self.folder / "run.err").read_text() == ""


@dataclass
class Killer:
    """Kills a victim in a phase of a job."""

    world: World
    job: Long
    number: int
    dice: random.Random

    def strike(self, victim: str, phase: str, *, seconds: float) -> bool:
        """Kill the victim as soon as the phase is reached; False where the job ended before."""
        reached = self._reached(victim, phase)
        until = time.monotonic() + seconds
        while not reached():
            if not self.world.card(self.number).open:
                return False
            assert time.monotonic() < until, f"{phase} not reached\n{self.world.story()}"
            time.sleep(0.001)
        if phase in {"upload", "launch"}:
            time.sleep(self.dice.uniform(0, 0.1))
        kinds = ("agent", "leash", "command") if victim == "machine" else (victim,)
        orphans = self.world.processes("leash", "command") if victim == "agent" else ()
        hit = self.world.kill(*kinds) > 0 and self.world.card(self.number).open
        self.world.wait_for(lambda: not any(map(_lives, orphans)), seconds=60)
        return hit

    def _reached(self, victim: str, phase: str) -> Callable[[], object]:
        world, number = self.world, self.number
        if phase == "run":
            already = self._at_home()
            more = self.dice.randint(2, max(3, self.job.files // 4))
            return lambda: self._at_home() >= min(already + more, self.job.files - 1)
        if victim == "courier":
            return {
                "upload": lambda: world.card(number).phase is Phase.SENDING,
                "launch": lambda: world.card(number).phase is Phase.STARTING,
                "homecoming": lambda: world.card(number).phase is Phase.HOMECOMING,
                "file": lambda: any(self.job.folder.glob(".cryoem-*.part")),
                "marker": (self.job.folder / SUCCESS).exists,
            }[phase]
        return {
            "upload": lambda: any((m / "scratch").exists() for m in self._living()),
            "launch": lambda: any(not (m / "scratch").exists() for m in self._living()),
            "homecoming": self._script_ended,
            "marker": lambda: self._standing() is Standing.DONE,
        }[phase]

    def _at_home(self) -> int:
        with suppress(FileNotFoundError):
            return sum(path.name.startswith("file_") for path in self.job.folder.iterdir())
        return 0

    def _living(self) -> list[Path]:
        return [folder for folder in self.world.machines() if LocalMachine(folder).alive]

    def _script_ended(self) -> bool:
        return bool(self._lasts()) and not self.world.processes("leash")

    def _lasts(self) -> list[Path]:
        return [last for m in self._living() for last in m.glob("scratch/*/project/*/*/last.bin")]

    def _standing(self) -> Standing:
        try:
            return standing(self.world.records(self.number).turns("main").read())
        except CryoemError:
            return Standing.FREE


def _lives(process: Process) -> bool:
    try:
        words = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words[0] != "Z"


def has_one_outcome(world: World, job: Long, number: int) -> None:
    """The job succeeded, and nothing says otherwise or was left behind."""
    card = world.card(number)
    assert card.outcome is Outcome.SUCCESS, world.story()
    assert (job.folder / SUCCESS).exists()
    assert not any((job.folder / name).exists() for name in FAILURES)
    job.results_are_right()
    world.wait_for(lambda: not world.processes("agent", "leash", "command"), seconds=60)
    world.wait_for(lambda: not world.left_behind(), seconds=15)
