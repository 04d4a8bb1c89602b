"""How RELION's jobs are cut into pieces."""

from collections.abc import Iterable

from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Cut
from cryoem_cloud.ports.view import View

__all__ = ["cut", "joined"]


def cut(job: Job, view: View) -> Cut | None:  # noqa: ARG001
    """See the port: Application.cut."""
    return None


def joined(job: Job, paths: Iterable[str]) -> frozenset[str]:  # noqa: ARG001
    """See the port: Application.joined."""
    return frozenset()
