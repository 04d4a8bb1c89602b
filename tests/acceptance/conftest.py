"""A world for whole jobs: a user's home, a project, and the real programs, found and killed by pid.

Nothing is faked: jobs go through the front, the courier, the local provider and the agent. Programs
are told apart from everybody else's by the HOME that they run with.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.directory import open_directory
from cryoem_cloud.stores.jobs import JobRecords

if TYPE_CHECKING:
    from .relion_direct import Direct

FRONT = Path(__file__).parent / "front.py"
SUCCESS = "RELION_JOB_EXIT_SUCCESS"
FAILURES = ("RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED")
_POLL_S = 0.02


@dataclass(frozen=True)
class Process:
    """One process of the world's."""

    pid: int
    words: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What it is: courier, agent, leash, or command."""
        if "cryoem_cloud.agent.leash" in self.words:
            return "leash"
        if "cryoem_cloud.cli" in self.words:
            return self.words[self.words.index("cryoem_cloud.cli") + 1]
        return "command"

    def kill(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal; what is gone is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, sig)


@dataclass
class World:
    """One user on one computer, with a project."""

    home: Path
    project: Path
    env: dict[str, str]
    submitted: list[int] = field(default_factory=list)
    python: str = sys.executable
    """What runs our programs."""

    @property
    def places(self) -> Places:
        """Where this user's programs keep things."""
        return Places.read(self.env)

    def front(self, *words: str, cwd: Path | None = None) -> str:
        """Run a command of the front; what it printed."""
        return self._said(str(FRONT), *words, cwd=cwd)

    def command(self, *words: str) -> str:
        """Run a command as users do, in the project; what it printed on standard output."""
        return self._said("-m", "cryoem_cloud.cli", *words)

    def _said(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [self.python, "-I", *words],
            cwd=cwd or self.project,
            env=self.env,
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def submit(
        self, script: str, *, name: str = "Shell/job001", inputs: tuple[str, ...] = ()
    ) -> int:
        """Submit a script that writes into the folder `name`, as RELION would: with markers."""
        folder = self.project / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run_submit.script").write_text(script)
        words = {
            "script": script,
            "script_path": f"{name}/run_submit.script",
            "inputs": inputs,
            "outputs": [name],
        }
        number = int(self.front("submit", json.dumps(words)))
        self.submitted.append(number)
        return number

    def qsub(self, script_path: str) -> int:
        """Hand in a script of the project as RELION does."""
        said = self._said("-m", "cryoem_cloud.cli", "cryoem-qsub", script_path)
        return int(said.rpartition(" ")[2])

    def wake(self) -> None:
        """Start a courier if there is work and none runs, as the next command would."""
        self.front("wake")

    @contextmanager
    def waking(self) -> Iterator[None]:
        """As `wake`, while something else is done."""
        command = [self.python, "-I", str(FRONT), "wake"]
        with subprocess.Popen(command, cwd=self.project, env=self.env):
            yield

    def card(self, number: int) -> Card:
        """The job's card as it is now."""
        return Cards(self.places.state / "jobs").of_number(number)[0]

    def stop(self, number: int) -> None:
        """Ask for the job's end, as qdel does."""
        self.front("stop", f"{number:08d}.{self.card(number).project}")

    def records(self, number: int) -> JobRecords:
        """The job's records in the store."""
        card = self.card(number)
        return JobRecords(open_directory(card.store, env={}), card.project, number)

    def wait_for(self, what: Callable[[], object], *, seconds: float) -> None:
        """Poll until `what` is true."""
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, f"not within {seconds} s\n{self.story()}"
            time.sleep(_POLL_S)

    def wait_for_end(self, number: int, *, seconds: float = 60) -> Card:
        """The job's card once the job is home and its slip is gone."""
        spool = spool_of(self.places)
        self.wait_for(
            lambda: (
                not self.card(number).open
                and not spool.holds(f"{number:08d}.{self.card(number).project}")
            ),
            seconds=seconds,
        )
        return self.card(number)

    def processes(self, *kinds: str) -> tuple[Process, ...]:
        """The world's processes of these kinds, or all."""
        found = []
        mark = b"HOME=" + os.fsencode(self.home) + b"\0"
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes():
                    words = (folder / "cmdline").read_bytes().decode().split("\0")[:-1]
                    process = Process(int(folder.name), tuple(words))
                    if words and (not kinds or process.kind in kinds):
                        found.append(process)
        return tuple(found)

    def kill(self, *kinds: str) -> int:
        """Kill the processes of these kinds at once; how many there were."""
        found = self.processes(*kinds)
        for process in found:
            process.kill()
        return len(found)

    def machines(self) -> tuple[Path, ...]:
        """The folders of all machines."""
        return tuple((self.places.state / "machines").glob("*/local-*"))

    def left_behind(self) -> list[Path]:
        """What must not stay: parts of files in the project, and machines' disks.

        A folder that is moved to the Trash takes along what is just being written into it.
        """
        parts = [path for path in self.project.rglob("*.part") if "Trash" not in path.parts]
        return parts + [folder / "scratch" for folder in self.machines() if _has_disk(folder)]

    def story(self) -> str:
        """What happened, for a test that failed."""
        cards = [str(card.to_json()) for card in Cards(self.places.state / "jobs").all()]
        logs = [self.places.state / "courier.log", *(m / "boot.log" for m in self.machines())]
        tails = [f"{log}:\n{log.read_text()[-6000:]}" for log in logs if log.exists()]
        alive = [f"{p.kind} {p.pid} {' '.join(p.words)[:100]}" for p in self.processes()]
        return "\n".join([*cards, *tails, *alive])


def _has_disk(machine: Path) -> bool:
    return (machine / "scratch").exists()


def make_world(top: Path, *, project: str = "project", **env: str) -> World:
    """A user with a home of their own below `top`, and an empty project."""
    home, folder = top / "home", top / project
    home.mkdir(parents=True)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return World(home, folder, {**kept, "HOME": str(home), **env})


def end_world(world: World) -> None:
    """Leave no process of the world's, and none of its bytes."""
    for _ in range(100):
        if not world.kill():
            break
        time.sleep(0.02)
    shutil.rmtree(world.home, ignore_errors=True)


@pytest.fixture
def tmp_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short one: RELION's CtfFind cannot work in a folder of 180 characters or more."""
    return tmp_path_factory.mktemp("t")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path)
    yield made
    end_world(made)


@pytest.fixture(scope="session")
def ran_alone(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[str], Direct]":
    """By RELION's version, a project in which the jobs that can be cut ran, each on its own."""
    from .ran_alone import made_alone, once  # noqa: PLC0415  (only with the demo group)

    return once(lambda version: made_alone(tmp_path_factory.mktemp("alone"), version))
