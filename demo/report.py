"""What the demo's jobs took: a table of time, bytes and a rough price.

The price is one of a machine of the size that the demo needs, rented from AWS by the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from cryoem_cloud.model.units import human_duration, human_size, human_usd

__all__ = ["MACHINE", "JobRun", "Machine", "price", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine type and what an hour of it costs, in one region, on one day."""

    name: str
    what: str
    region: str
    usd_per_hour: Decimal
    day: str
    least: timedelta = timedelta(minutes=1)
    """AWS bills by the second, but at least a minute of each machine."""


MACHINE = Machine(
    name="c7i.xlarge",
    what="2 cores, 8 GiB",
    region="us-east-1",
    usd_per_hour=Decimal("0.1785"),
    day="2026-07-05",
)
"""From AWS's public price list of that day: Linux, on demand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One job: from Run to *Finished*, and what was sent and brought home, where it is known."""

    name: str
    lasts: timedelta
    bytes_up: int | None = None
    bytes_down: int | None = None


def price(lasts: timedelta, machine: Machine = MACHINE) -> Decimal:
    """US dollars for one machine that is there for so long."""
    billed = max(lasts, machine.least)
    return machine.usd_per_hour * Decimal(billed / timedelta(hours=1))


def _size(size: int | None) -> str:
    return "-" if size is None else human_size(size)


def _total(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def _row(run: JobRun, usd: Decimal) -> list[str]:
    sent, brought_home = _size(run.bytes_up), _size(run.bytes_down)
    return [run.name, human_duration(run.lasts), sent, brought_home, human_usd(usd)]


def table(runs: Sequence[JobRun], machine: Machine = MACHINE) -> str:
    """One line a job, their sum, and what the price means."""
    together = JobRun(
        name="together",
        lasts=sum((run.lasts for run in runs), timedelta()),
        bytes_up=_total([run.bytes_up for run in runs]),
        bytes_down=_total([run.bytes_down for run in runs]),
    )
    prices = [price(run.lasts, machine) for run in runs]
    rows = [["job", "time", "sent", "brought home", "on AWS"]]
    rows += [_row(run, usd) for run, usd in zip(runs, prices, strict=True)]
    rows.append(_row(together, sum(prices, Decimal())))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]
    rule = "-" * len(lines[0])
    note = (
        f"On AWS, roughly: one {machine.name} ({machine.what}) a job, on demand in "
        f"{machine.region}\nat ${machine.usd_per_hour} an hour (AWS's price list of {machine.day}),"
        " at least a minute each;\nwithout booting, disks, storage and traffic."
    )
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], "", note])
