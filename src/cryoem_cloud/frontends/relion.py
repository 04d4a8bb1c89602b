"""RELION's GUI and relion_pipeliner."""

from pathlib import Path
from typing import ClassVar

from cryoem_cloud.frontends import markers
from cryoem_cloud.frontends.handed_in import HandedIn
from cryoem_cloud.frontends.pipeline import PipelineWatch
from cryoem_cloud.model.job import Exit, Job, Outcome

__all__ = ["ABORT_NOW", "OWN_FILES", "TRASH", "RelionFrontend"]

OWN_FILES = (
    "job.star",
    "job_pipeline.star",
    "default_pipeline.star",
    "note.txt",
    "run_submit.script",
    ".run.*.tail",
    "*_JOB_ABORT_NOW",
)
"""What RELION itself writes into a job's folder on the user's computer."""

ABORT_NOW = "RELION_JOB_ABORT_NOW"
"""RELION's programs end when this file appears, and are said to be aborted."""

TRASH = "Trash"
"""What is deleted or cleaned is moved there, under its own path."""

_CHANGED = ".pipeline_has_changed"
"""RELION's GUI looks at its jobs' markers when this file appears, and removes it."""


class RelionFrontend(HandedIn):
    """Sees a job's end by its marker, and not before it is made to look."""

    name: ClassVar[str] = "relion"
    trash: ClassVar[str] = TRASH

    def __init__(self) -> None:
        self._watch = PipelineWatch()

    def own_files(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """See the port."""
        return OWN_FILES

    def markers(self, exit_: Exit) -> tuple[str, ...]:
        """RELION's own; for a failure the pipeliner's too."""
        if exit_.outcome is Outcome.FAILURE:
            return markers.BOTH_FAILURES
        return (markers.RELION[exit_.outcome],)

    def all_markers(self) -> tuple[str, ...]:
        """Both families'."""
        return markers.ALL

    def abort_requests(self) -> tuple[str, ...]:
        """What *Abort running* makes."""
        return (ABORT_NOW,)

    def runs(self, job: Job, project: Path) -> bool:
        """From default_pipeline.star."""
        return self._watch.runs(project, job.outputs[0])

    def given_up(self, job: Job, project: Path) -> str:
        """From default_pipeline.star."""
        return self._watch.given_up(project, job.outputs[0])

    def nudge(self, project: Path) -> None:
        """Make the GUI look; nothing where the project is gone."""
        if project.is_dir():
            (project / _CHANGED).touch()
