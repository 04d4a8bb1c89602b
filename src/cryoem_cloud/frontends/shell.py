"""A person at a shell."""

from pathlib import Path
from typing import ClassVar

from cryoem_cloud.model.job import Exit, Job
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.ports.frontend import AtHome

__all__ = ["ShellFrontend"]


class ShellFrontend:
    """Sees a job's end by the command's exit code."""

    name: ClassVar[str] = "shell"
    trash: ClassVar[str] = ""

    def check(self, asked: Asked) -> None:
        """Everything may be submitted."""

    def prepares(self, job: Job) -> bool:  # noqa: ARG002  (the port's names)
        """Never: the script says what machines run."""
        return False

    def prepare(self, job: Job, home: AtHome) -> Job | None:  # noqa: ARG002  (the port's names)
        """As it is."""
        return job

    def conclude(self, job: Job, home: AtHome, exit_: Exit) -> Exit | None:  # noqa: ARG002  (the port's names)
        """Nothing is left to do."""
        return exit_

    def own_files(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """None."""
        return ()

    def markers(self, exit_: Exit) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """None."""
        return ()

    def all_markers(self) -> tuple[str, ...]:
        """None."""
        return ()

    def abort_requests(self) -> tuple[str, ...]:
        """None."""
        return ()

    def runs(self, job: Job, project: Path) -> bool:  # noqa: ARG002  (the port's names)
        """Nobody says so."""
        return False

    def given_up(self, job: Job, project: Path) -> str:  # noqa: ARG002  (the port's names)
        """Never."""
        return ""

    def nudge(self, project: Path) -> None:
        """Nothing."""
