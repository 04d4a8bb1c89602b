"""Who hands jobs to us as if we were a queue, and what each expects to see at home."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryoem_cloud.model.job import Exit, Job
from cryoem_cloud.ports.application import Asked

__all__ = ["AtHome", "Frontend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHome:
    """Where programs of the front end's own are run: on the submitter's computer, as theirs.

    `project` is the folder that they are started in, `umask` the submitter's (None: this process's
    own). `wanted` says whether the user still wants the job; programs are ended where not.
    """

    project: Path
    environment: Mapping[str, str] = field(repr=False)
    umask: int | None
    wanted: Callable[[], bool]


class Frontend(Protocol):
    """A caller of the queue commands: RELION, CCP-EM pipeliner, a shell."""

    @property
    def name(self) -> str:
        """The word that job.json carries."""
        ...

    def check(self, asked: Asked) -> None:
        """Let a job be submitted, as far as that is known from small files of the project.

        Called while the front end waits, so that nothing is run.

        Raises:
            RefusedError: Jobs of that kind are not for machines; the hint says what to do.
            MissingInputError: A file of the front end's own is not there.
        """
        ...

    def prepares(self, job: Job) -> bool:
        """Whether `prepare` has yet to say what machines run. It never has for most front ends."""
        ...

    def prepare(self, job: Job, home: AtHome) -> Job | None:
        """The job with the script that machines run; None where it was wanted no more.

        Called before the job is in the store. May run programs, and let them write to the job's
        folder and its logs; again is the same.

        Raises:
            CryoemError: The job cannot be prepared; the message is for its user.
            OSError: The job's folder cannot be written.
        """
        ...

    def conclude(self, job: Job, home: AtHome, exit_: Exit) -> Exit | None:
        """Take the front end's own last steps; how the job has ended with them.

        Called once outputs and logs are home, before the markers; may be called again. None where
        it was cut off; but what had failed or was aborted is given back as it was.

        Raises:
            OSError: The job's folder cannot be written.
        """
        ...

    @property
    def trash(self) -> str:
        """The project's folder to which it moves the folders of jobs that users delete.

        "" where it has none.
        """
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
        """Names of every marker that it may look for; at most those of one outcome may exist.

        None, for a front end that does not learn of the end by them.
        """
        ...

    def abort_requests(self) -> Sequence[str]:
        """Names of files that it makes in the job's folder to have the job aborted.

        They are gone when the job has ended.
        """
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
