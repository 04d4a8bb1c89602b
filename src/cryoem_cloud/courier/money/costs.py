"""What jobs have cost, where users look: at the end of a job's log, and in a file."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.bill import Sum, in_a_line, shown, summed
from cryoem_cloud.model.charge import Charge
from cryoem_cloud.model.units import human_duration
from cryoem_cloud.model.usd import about
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["COSTS", "cost_line", "costs_text", "write_costs"]

COSTS = ".cryoem/costs.txt"
"""The file, below the project's folder."""
_FIRST, _OTHER = 22, 12
"""Characters of a row's cells."""


def cost_line(records: JobRecords) -> str:
    """What a job has cost so far, a line of its log; "" where it cost nothing."""
    told = in_a_line(Ledger(records.store, records.project).charges(records.number))
    return f"cryoem: job {records.number} cost {told} (so far; cryoem costs)\n" if told else ""


def write_costs(project: Path, name: str, charges: Sequence[Charge]) -> None:
    """Replace the project's file of costs, if it costs anything."""
    if charges and (project / COSTS).parent.is_dir():
        write_whole(project / COSTS, costs_text(name, charges).encode())


def costs_text(name: str, charges: Sequence[Charge]) -> str:
    """The file: by month and by job."""
    lines = [
        f"What the project {name} has cost, in US dollars, as far as it is known here.",
        "Kept is what files in the store have cost, home what bringing files here has. Not in it:",
        "taxes, traffic between zones, images. `cryoem costs` is up to date.",
        "",
    ]
    (whole,) = summed(charges)
    words = shown([whole])
    for by in ("month", "job"):
        lines.append(_row((by, *words, "in all")))
        lines.extend(_row(_cells(each, words)) for each in summed(charges, by))
        lines.append("")
    lines.append(_row(_cells(whole, words)))
    lines.append(f"machines were there for {human_duration(timedelta(seconds=whole.seconds))}")
    return "\n".join(lines) + "\n"


def _cells(each: Sum, words: Sequence[str]) -> tuple[str, ...]:
    amounts = (*(each.parts[word] for word in words), each.usd)
    return (each.name, *(about(amount) for amount in amounts))


def _row(cells: Sequence[str]) -> str:
    first, *others = cells
    return first.ljust(_FIRST) + "".join(cell.rjust(_OTHER) for cell in others)
