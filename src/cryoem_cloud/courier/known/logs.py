"""Where a job's part of its logs begins: behind what is in them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip, Spool

__all__ = ["begin_behind", "log_sizes"]


def log_sizes(project: Path, logs: Mapping[str, str]) -> dict[str, int]:
    """How many bytes the logs hold, by name; 0 for one that is not there."""
    return {name: _size(project / path) for name, path in logs.items()}


def begin_behind(slip: Slip, spool: Spool, desk: CardDesk) -> None:
    """Have the job's logs begin where they end now, before a machine has the job.

    Jobs that it has waited for may have written into them since it was submitted.
    """
    job = slip.job_here
    starts = log_sizes(slip.project.folder, job.logs)
    now = spool.slip(slip.name)  # its project may have moved, or it may be gone
    if starts != job.log_starts and now is not None:
        desk.logs_begin(starts["out"], starts["err"])
        spool.add(replace(now, here=replace(job, log_starts=starts)))


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
