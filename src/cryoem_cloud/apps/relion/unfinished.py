"""How programs that work micrograph by micrograph go on: they only do what is unfinished."""

from collections.abc import Collection

from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Resumed
from cryoem_cloud.ports.view import View

__all__ = ["resumed"]


def resumed(
    job: Job,  # noqa: ARG001
    script: str,  # noqa: ARG001
    view: View,  # noqa: ARG001
    made: Collection[str],  # noqa: ARG001
) -> Resumed | None:
    """See the port: Application.resumed."""
    return None
