"""How a comparison looks: two ways side by side, and all that was assumed."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from cryoem_cloud.cli.showing import table
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.usd import cents, dollars
from cryoem_cloud.planner.compare import WORKING_DAYS, Comparison, Way, Workstation

__all__ = ["Compared"]

_EXACT = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A comparison, the workstation that it is about, and what an hour at AWS costs.

    `rented` is of one machine (None: the published comparison's, of several types); `source` says
    where the figures about AWS come from.
    """

    comparison: Comparison
    workstation: Workstation
    source: str
    rented: Decimal | None = None

    def to_text(self) -> str:
        """For people."""
        return "\n".join((*self._ways(), "", *self._nets(), "", *self._assumptions()))

    def to_json(self) -> dict[str, JSON]:
        """For programs; US dollars as texts."""
        comparison, bought = self.comparison, self.workstation
        return {
            "aws": self._way(comparison.aws),
            "workstation": self._way(comparison.workstation),
            "net_usd": str(cents(comparison.net_usd(storage=False))),
            "net_with_storage_usd": str(cents(comparison.net_usd(storage=True))),
            "assumptions": {
                "structures": comparison.structures,
                "workstation_usd": str(bought.usd),
                "years": str(bought.years),
                "utilisation": str(bought.utilisation),
                "workstation_usd_per_hour": str(bought.usd_per_hour.quantize(_EXACT)),
                "salary_usd": str(comparison.salary_usd),
                "working_days": WORKING_DAYS,
                "usd_per_day": str(comparison.usd_per_day),
                "aws_from": self.source,
            },
        }

    def _way(self, way: Way) -> dict[str, JSON]:
        many = self.comparison.structures
        return {
            "hours": str(way.hours * many),
            "machines_usd": str(cents(way.usd * many)),
            "storage_usd": str(cents(way.storage_usd * many)),
            "days": str(way.days * many),
            "people_usd": str(cents(self.comparison.people_usd(way))),
        }

    def _ways(self) -> Iterator[str]:
        many = self.comparison.structures
        ways = (self.comparison.aws, self.comparison.workstation)
        rows = [
            ["hours", *(f"{way.hours * many:,.1f}" for way in ways)],
            ["machines", *(dollars(way.usd * many) for way in ways)],
            ["working days of a person", *(f"{way.days * many:g}" for way in ways)],
            ["these days", *(dollars(self.comparison.people_usd(way)) for way in ways)],
            ["all", *(dollars(self.comparison.all_usd(way, storage=False)) for way in ways)],
            ["storage besides", *(dollars(way.storage_usd * many) for way in ways)],
        ]
        widths = [max(len(row[column]) for row in rows) for column in (1, 2)]
        told = ([row[0], row[1].rjust(widths[0]), row[2].rjust(widths[1])] for row in rows)
        yield table(["", "AWS".rjust(widths[0]), "WORKSTATION"], told)

    def _nets(self) -> Iterator[str]:
        for storage, words in ((False, "without storage"), (True, "with storage")):
            net = self.comparison.net_usd(storage=storage)
            cheaper = "AWS" if net < 0 else "the workstation"
            yield f"{words}: {cheaper} is {dollars(abs(net))} cheaper"

    def _assumptions(self) -> Iterator[str]:
        bought, comparison = self.workstation, self.comparison
        yield "This assumes:"
        yield (
            f"  workstation  {dollars(bought.usd)} over {bought.years:g} years, computing "
            f"{bought.utilisation:.0%} of the time: ${bought.usd_per_hour:.3f} an hour;"
        )
        yield "               no power, room, repairs or administrator"
        yield (
            f"  a person     {dollars(comparison.salary_usd)} a year, {WORKING_DAYS} working days: "
            f"{dollars(comparison.usd_per_day)} a day"
        )
        yield f"  AWS          {self.source}"
        yield "  hours, days  yours where you gave them, else of that publication"
        if self.rented is not None:
            share = bought.breaks_even_at(self.rented)
            yield (
                "  break-even   at equal speed the workstation is cheaper where it computes over "
                f"{share:.0%} of the time"
            )
