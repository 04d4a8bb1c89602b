"""A person at a shell."""

from pathlib import Path
from typing import ClassVar

from cryoem_cloud.frontends.handed_in import HandedIn
from cryoem_cloud.model.job import Exit, Job

__all__ = ["ShellFrontend"]


class ShellFrontend(HandedIn):
    """Sees a job's end by the command's exit code."""

    name: ClassVar[str] = "shell"
    trash: ClassVar[str] = ""

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
