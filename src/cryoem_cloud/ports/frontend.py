"""Who hands jobs to us as if we were a queue, and what each expects to see at home."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryoem_cloud.model.job import Exit, Job

__all__ = ["Frontend"]


class Frontend(Protocol):
    """A caller of the queue commands: RELION, CCP-EM pipeliner, a shell."""

    @property
    def name(self) -> str:
        """The word that job.json carries."""
        ...

    def own_files(self, job: Job) -> Sequence[str]:
        """Shell patterns, relative to the job's folder, of files that are the front end's own.

        They are never sent back, overwritten or removed.
        """
        ...

    def markers(self, exit_: Exit) -> Sequence[str]:
        """Names of the empty files that tell it the outcome, written last."""
        ...

    def all_markers(self) -> Sequence[str]:
        """Names of every marker that it may look for; at most those of one outcome may exist."""
        ...

    def abort_requests(self) -> Sequence[str]:
        """Names of files that it makes in the job's folder to have the job aborted."""
        ...

    def runs(self, job: Job, project: Path) -> bool:
        """Whether the front end's own files say that the job runs."""
        ...

    def given_up(self, job: Job, project: Path) -> str:
        """Why a job that was said to run is wanted no more ("" if it is), by the same files."""
        ...

    def nudge(self, project: Path) -> None:
        """Make it look at the project again."""
        ...
