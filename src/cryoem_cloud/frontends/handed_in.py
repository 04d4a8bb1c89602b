"""What most front ends have in common: they hand in what machines are to run."""

from cryoem_cloud.model.job import Exit, Job
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.ports.frontend import AtHome

__all__ = ["HandedIn"]


class HandedIn:
    """The part of a front end that has no steps of its own on the submitter's computer."""

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
