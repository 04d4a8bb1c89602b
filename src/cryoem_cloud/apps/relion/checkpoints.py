"""How programs that iterate go on: from the newest iteration that is whole."""

from collections.abc import Collection

from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Resumed

__all__ = ["resumed", "seals"]


def resumed(
    job: Job,  # noqa: ARG001
    script: str,  # noqa: ARG001
    made: Collection[str],  # noqa: ARG001
) -> Resumed | None:
    """See the port: Application.resumed."""
    return None


def seals(job: Job, path: str) -> bool:  # noqa: ARG001
    """See the port: Application.seals."""
    return False
