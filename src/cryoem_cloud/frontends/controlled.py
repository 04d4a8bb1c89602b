"""A person at a shell, with a command that RELION's own pipeliner has written."""

from typing import ClassVar

from cryoem_cloud.frontends import markers
from cryoem_cloud.frontends.relion import ABORT_NOW
from cryoem_cloud.frontends.shell import ShellFrontend
from cryoem_cloud.model.job import Exit

__all__ = ["ControlledFrontend"]


class ControlledFrontend(ShellFrontend):
    """Sees a job's end by the command's exit code, and what RELION alone would leave at home.

    With `--pipeline_control FOLDER/` RELION's programs leave a marker there when they end, and look
    there for whether to abort. Nobody waits for the marker: other jobs may work in that folder
    before and after, and an earlier job's marker stands.
    """

    name: ClassVar[str] = "controlled"

    def markers(self, exit_: Exit) -> tuple[str, ...]:
        """RELION's own."""
        return (markers.RELION[exit_.outcome],)

    def abort_requests(self) -> tuple[str, ...]:
        """What RELION's programs look for."""
        return (ABORT_NOW,)
