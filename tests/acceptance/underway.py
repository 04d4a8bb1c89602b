"""A refinement that a machine of a world works on: brought to a moment, and lost there."""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.turn import Deed, Turn

from .conftest import SUCCESS, Process, World
from .refinements import (
    Refinement,
    correlations,
    is_there_a_while,
    optimiser,
    same_names,
    sampling,
)
from .refining import files

__all__ = ["Underway", "hand_in"]

_OF_MACHINE = ("agent", "leash", "command")
_OURS = ("run.out", "run.err", "run_submit.script")
"""What a job's folder has at home, and has not where RELION ran by hand."""
_CONTINUED = re.compile(r" --continue \S+_it(\d+)_optimiser\.star ")
_BEGIN_S, _MOMENT_S, _END_S = 60, 240, 400


@dataclass(frozen=True)
class Underway:
    """A refinement that was handed in."""

    world: World
    refinement: Refinement
    number: int

    def come_to(self, moment: str) -> int:
        """Wait for a moment; the newest iteration that is sealed then, and at home.

        RELION is held there until it is lost or let go: a quick computer is not ahead of its store.
        At `half` an iteration is being written, has its optimiser.star, and not its sampling.star.
        """
        if moment == "half":
            self._come_to_half(self.refinement.late)
        else:
            self._come_to_whole(getattr(self.refinement, moment))
        newest = max(self._numbers(self._machine()))
        self._wait_for_home(sampling, newest)
        return newest

    def _come_to_whole(self, number: int) -> None:
        last = sampling(self._machine(), self.refinement.job, number)
        self.world.wait_for(lambda: is_there_a_while(last), seconds=_MOMENT_S)
        for program in self.programs():
            program.kill(signal.SIGSTOP)

    def _come_to_half(self, number: int) -> None:
        """RELION waits there: the last file is a pipe that nobody reads."""
        machine, job = self._machine(), self.refinement.job
        os.mkfifo(sampling(machine, job, number))
        first = optimiser(machine, job, number)
        self.world.wait_for(lambda: is_there_a_while(first), seconds=_MOMENT_S)
        self._wait_for_home(optimiser, number)

    def let_go(self) -> None:
        """What was held goes on."""
        for program in self.programs():
            program.kill(signal.SIGCONT)

    def lose_machine(self) -> None:
        """Kill all that runs on the machine at once, as a machine goes."""
        kinds = {process.kind for process in self.world.processes(*_OF_MACHINE)}
        assert kinds == {*_OF_MACHINE}, kinds
        self.world.kill(*_OF_MACHINE)

    def programs(self) -> tuple[Process, ...]:
        """RELION's processes, each rank one, and not what has started them."""
        found = self.world.processes("command")
        return tuple(p for p in found if Path(p.words[0]).name.startswith("relion_refine"))

    def turns(self) -> tuple[Turn, ...]:
        """Of its one task."""
        return self.world.records(self.number).turns("main").read()

    def ends_well(self, alone: Path, *, newest: int) -> Mapping[str, float]:
        """It ends as the run alone has, gone on from that iteration; correlations of its maps."""
        card = self.world.wait_for_end(self.number, seconds=_END_S)
        assert card.outcome is Outcome.SUCCESS, (card.reason, self.world.story())
        project, job = self.world.project, self.refinement.job
        marks = [path.name for path in (project / job).glob("*_JOB_EXIT_*")]
        assert marks == [SUCCESS], marks
        assert [turn.deed for turn in self.turns()].count(Deed.DONE) == 1
        same_names(alone, self.refinement, files(project, job) - {f"{job}/{o}" for o in _OURS})
        went_on = dict(self._continued())
        assert went_on == {n: newest if n >= newest else None for n in went_on}, went_on
        return correlations(alone, project, self.refinement)

    def _machine(self) -> Path:
        """The project as the first machine has it, with the job's folder."""
        found: list[Path] = []

        def is_there() -> bool:
            found[:] = [
                project
                for machine in sorted(self.world.machines())
                for project in machine.glob("scratch/*/project")
                if (project / self.refinement.job).is_dir()
            ]
            return bool(found)

        self.world.wait_for(is_there, seconds=_BEGIN_S)
        return found[0]

    def _numbers(self, project: Path) -> list[int]:
        """The iterations that are sealed."""
        sealing = (project / self.refinement.job).glob("run_it*_sampling.star")
        return [int(path.name[6:9]) for path in sealing if path.is_file()]

    def _wait_for_home(self, file: Callable[[Path, str, int], Path], number: int) -> None:
        path = file(self.world.project, self.refinement.job, number)
        self.world.wait_for(path.exists, seconds=_BEGIN_S)

    def _continued(self) -> Iterator[tuple[int, int | None]]:
        """Of each iteration at home, which one the program that wrote it had gone on from."""
        for path in (self.world.project / self.refinement.job).glob("run_it*_optimiser.star"):
            told = _CONTINUED.search(path.read_text().splitlines()[1])
            yield int(path.name[6:9]), int(told[1]) if told else None


def hand_in(world: World, refinement: Refinement, alone: Path, programs: str) -> Underway:
    """The particles of the run alone in the world's project, and the refinement as RELION does."""
    if programs:
        world.env["PATH"] = f"{programs}{os.pathsep}{world.env['PATH']}"
    kind = refinement.job.partition("/")[0]
    shutil.copytree(
        alone, world.project, dirs_exist_ok=True, ignore=lambda _, names: {kind, "log"} & {*names}
    )
    script = world.project / refinement.job / "run_submit.script"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/bash\n{refinement.script}\n")
    return Underway(world, refinement, world.qsub(f"{refinement.job}/run_submit.script"))
