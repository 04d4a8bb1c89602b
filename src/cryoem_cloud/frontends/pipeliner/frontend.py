"""CCP-EM pipeliner and Doppio."""

import shutil
from pathlib import Path
from typing import ClassVar

from cryoem_cloud.frontends import markers
from cryoem_cloud.frontends.pipeline import PipelineWatch
from cryoem_cloud.frontends.pipeliner.conclude import conclude
from cryoem_cloud.frontends.pipeliner.kinds import kind_of, require_for_machines
from cryoem_cloud.frontends.pipeliner.prepare import prepare
from cryoem_cloud.frontends.pipeliner.script import Planned, Runner
from cryoem_cloud.frontends.relion import OWN_FILES, TRASH
from cryoem_cloud.model.errors import MissingInputError, RefusedError
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.ports.frontend import AtHome

__all__ = ["PipelinerFrontend"]

_OWN_FILES = (
    *OWN_FILES,
    "run.job",
    "continue_job.star",
    ".CCPEM_pipeliner_jobinfo",
    ".relion_lock",
    "InputFiles/*",
)
"""What the pipeliner, and its runner at home, write into a job's folder."""


class PipelinerFrontend:
    """Polls a job's folder for markers of its own. Its jobs begin and end on its own computer."""

    name: ClassVar[str] = "pipeliner"
    trash: ClassVar[str] = TRASH

    def __init__(self) -> None:
        self._watch = PipelineWatch()

    def check(self, asked: Asked) -> None:
        """Refuse job types that run no program of RELION's, and scripts that cannot be followed."""
        if Planned.in_(asked.script) is not None:
            return
        runner = Runner.of(asked.script)
        cwd = asked.project / asked.cwd
        if not (cwd / runner.job_star).is_file():
            raise MissingInputError(
                f"there is no {runner.job_star}, which the script names",
                hint="submit from the project's folder",
            )
        require_for_machines(kind_of(cwd / runner.job_star))
        if shutil.which(runner.words[0]) is None:
            raise RefusedError(
                f"there is no program {runner.words[0]}, which the script starts",
                hint="it must be the Python with the pipeliner in it, by its absolute path",
            )

    def prepares(self, job: Job) -> bool:
        """Once for a job."""
        return Planned.in_(job.script) is None

    def prepare(self, job: Job, home: AtHome) -> Job | None:
        """Ask the user's Python what the job runs, and run what comes before RELION."""
        return prepare(job, home)

    def conclude(self, job: Job, home: AtHome, exit_: Exit) -> Exit | None:
        """Let the pipeliner's own runner do what is left, and write its records."""
        return conclude(job, home, exit_)

    def own_files(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """See the port."""
        return _OWN_FILES

    def markers(self, exit_: Exit) -> tuple[str, ...]:
        """The pipeliner's own, last; before it RELION's, which programs of RELION have left."""
        if exit_.outcome is Outcome.ABORTED:
            return (markers.PIPELINER[exit_.outcome],)
        return (markers.RELION[exit_.outcome], markers.PIPELINER[exit_.outcome])

    def all_markers(self) -> tuple[str, ...]:
        """Both families'."""
        return markers.ALL

    def abort_requests(self) -> tuple[str, ...]:
        """What the pipeliner's abort makes, and what RELION's programs heed."""
        return ("PIPELINER_JOB_ABORT_NOW", "RELION_JOB_ABORT_NOW")

    def runs(self, job: Job, project: Path) -> bool:
        """From default_pipeline.star."""
        return self._watch.runs(project, job.outputs[0])

    def given_up(self, job: Job, project: Path) -> str:
        """From default_pipeline.star."""
        return self._watch.given_up(project, job.outputs[0])

    def nudge(self, project: Path) -> None:
        """Nothing: it polls."""
