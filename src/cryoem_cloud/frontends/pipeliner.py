"""CCP-EM pipeliner and Doppio."""

from pathlib import Path
from typing import ClassVar

from cryoem_cloud.frontends import markers
from cryoem_cloud.frontends.pipeline import PipelineWatch
from cryoem_cloud.frontends.relion import OWN_FILES
from cryoem_cloud.model.job import Exit, Job, Outcome

__all__ = ["PipelinerFrontend"]

_RUNNER_WRITES = frozenset({"job_pipeline.star"})
"""The pipeliner's job runner writes these where the job runs; they must come home."""


class PipelinerFrontend:
    """Polls a job's folder for markers of its own."""

    name: ClassVar[str] = "pipeliner"

    def __init__(self) -> None:
        self._watch = PipelineWatch()

    def own_files(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """See the port."""
        return tuple(pattern for pattern in OWN_FILES if pattern not in _RUNNER_WRITES)

    def markers(self, exit_: Exit) -> tuple[str, ...]:
        """The pipeliner's own; for a failure RELION's too."""
        if exit_.outcome is Outcome.FAILURE:
            return markers.BOTH_FAILURES
        return (markers.PIPELINER[exit_.outcome],)

    def all_markers(self) -> tuple[str, ...]:
        """Both families'."""
        return markers.ALL

    def abort_requests(self) -> tuple[str, ...]:
        """What the pipeliner's abort makes."""
        return ("PIPELINER_JOB_ABORT_NOW",)

    def runs(self, job: Job, project: Path) -> bool:
        """From default_pipeline.star."""
        return self._watch.runs(project, job.outputs[0])

    def given_up(self, job: Job, project: Path) -> str:
        """From default_pipeline.star."""
        return self._watch.given_up(project, job.outputs[0])

    def nudge(self, project: Path) -> None:
        """Nothing: it polls."""
