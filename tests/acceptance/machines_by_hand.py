"""Machines without agents: folders with nothing but what an application says that a task needs."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.links import along_links
from cryoem_cloud.apps.overlaid import Overlaid
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.ports.application import Cut, Resumed
from cryoem_cloud.ports.view import View

__all__ = ["Machine", "joined_by", "piece_on", "ranges", "resumed_on", "whole_on"]

_LONGEST_S = 400
_POLL_S = 0.002
_KEPT_BY_US = frozenset(
    {"run.out", "run.err", "RELION_JOB_EXIT_SUCCESS", "RELION_JOB_EXIT_FAILURE"}
)


@dataclass(frozen=True)
class Machine:
    """A folder that a task runs in, for one job; `env` is that of its programs."""

    folder: Path
    job: Job
    env: Mapping[str, str]

    def lay_out(self, needs: Iterable[Need], view: View, idle: Collection[str] = ()) -> None:
        """The inputs, and empty files for what is only tested."""
        bytes_of: dict[str, bool] = {}
        for need in along_links(needs, view):
            assert not need.target, "these projects have no links"
            bytes_of[need.path] = bytes_of.get(need.path, False) or not need.stub
        for path, whole in bytes_of.items():
            self.put(path, b"")
            if whole and path not in idle:
                with view.open(path) as file, (self.folder / path).open("wb") as into:
                    shutil.copyfileobj(file, into)

    def put(self, path: str, data: bytes) -> None:
        """A file of the project."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)

    def hold_up(self, name: str) -> None:
        """Whoever opens inputs of that name waits for ever, so that the task does not end."""
        inputs = [path for path in self.folder.rglob(f"*{name}*") if path.stat().st_size]
        for path in inputs:
            if path.suffix != ".star":
                path.unlink()
                os.mkfifo(path)

    def run(self, script: str, until: Callable[[Path], bool] = lambda _: False) -> int:
        """The script's exit code; it is killed, and all that it started, once `until` is true."""
        out = self.folder / self.job.outputs[0]
        out.mkdir(parents=True, exist_ok=True)
        with (out / "run.out").open("ab") as said, (out / "run.err").open("ab") as told:
            running = subprocess.Popen(
                ["bash", "-c", script],
                cwd=self.folder,
                env=dict(self.env),
                stdout=said,
                stderr=told,
                start_new_session=True,
            )
            end = time.monotonic() + _LONGEST_S
            while running.poll() is None and time.monotonic() < end and not until(out):
                time.sleep(_POLL_S)
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
            return running.wait()

    def outputs(self) -> list[str]:
        """Files and links below the job's folder, but for what the agent itself writes."""
        top = self.folder / self.job.outputs[0]
        paths = (path for path in top.rglob("*") if path.is_symlink() or path.is_file())
        return sorted(
            str(path.relative_to(self.folder)) for path in paths if path.name not in _KEPT_BY_US
        )

    def take(self, paths: Iterable[str], other: "Machine") -> None:
        """Copies of another machine's files; links that lead into its project lead into ours."""
        for path in paths:
            into = self.folder / path
            into.parent.mkdir(parents=True, exist_ok=True)
            into.unlink(missing_ok=True)
            source = other.folder / path
            if source.is_symlink():
                into.symlink_to(str(source.readlink()).replace(str(other.folder), str(self.folder)))
            else:
                shutil.copyfile(source, into)


def ranges(items: int, pieces: int) -> list[tuple[int, int]]:
    """As even as it goes."""
    edges = [items * number // pieces for number in range(pieces + 1)]
    return list(pairwise(edges))


def piece_on(machine: Machine, cut: Cut, view: View, items: tuple[int, int]) -> View:
    """Lay a piece out; what it sees of the project."""
    seen = Overlaid(view, {cut.path: cut.part(*items)})
    machine.lay_out(Relion().needs(replace(machine.job, script=cut.script(items[0])), seen), seen)
    return seen


def whole_on(machine: Machine, view: View) -> None:
    """Lay the whole job out."""
    machine.lay_out(Relion().needs(machine.job, view), view)


def resumed_on(machine: Machine, script: str, view: View, from_: Iterable[Machine]) -> Resumed:
    """Lay a task out that goes on from what others have made; what the application said."""
    store = replace(machine, folder=machine.folder.with_name(machine.folder.name + "-store"))
    store.lay_out(Relion().needs(replace(machine.job, script=script), view), view)
    made: set[str] = set()
    for other in from_:
        outputs = other.outputs()
        paths = set(outputs) - Relion().joined(machine.job, outputs)
        made |= paths
        store.take(paths, other)
    resumed = Relion().resumed(machine.job, script, Here(store.folder), made)
    assert resumed is not None
    inputs = Relion().needs(replace(machine.job, script=script), view)
    machine.lay_out(inputs, view, resumed.idle)
    machine.take(resumed.reads, store)
    for path in resumed.tests:
        machine.put(path, b"")
    return resumed


def joined_by(machine: Machine, resumed: Resumed, into: Machine) -> None:
    """The outputs of a task that went on: what stands, and over it what it has made itself."""
    store = replace(machine, folder=machine.folder.with_name(machine.folder.name + "-store"))
    laid_out = resumed.reads | resumed.tests
    into.take(set(machine.outputs()) - laid_out, machine)
    into.take(resumed.stands, store)
