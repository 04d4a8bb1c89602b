"""Cost Explorer: what a test says was billed, filtered and grouped as AWS does it.

Shapes are those of the API reference (GetCostAndUsage, 2017-10-25): with groups `Total` is empty,
a tag's group is called `KEY$VALUE`, and `KEY$` without one. A tag that the account has not
activated for its bills is one that nothing has; that is no error.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from moto.core.responses import ActionResult

from tests.ec2sim.refusals import NotSimulatedError, Refusal, Refusing

__all__ = ["Bill", "CostExplorer"]

_HAS_IT = "us-east-1"
_MOST_GROUPS = 2
_METRICS = {"UnblendedCost": ("usd", "USD"), "UsageQuantity": ("quantity", "N/A")}


@dataclass(frozen=True, kw_only=True)
class _Entry:
    day: date
    dimensions: Mapping[str, str]
    tags: Mapping[str, str]
    usd: Decimal
    quantity: Decimal


@dataclass(kw_only=True)
class Bill:
    """What an account is billed; a test writes it."""

    activated: set[str] = field(default_factory=set)
    """The tags that the account has activated for its bills."""
    a_page: int = 1000
    """How many groups an answer has at most."""
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    _entries: list[_Entry] = field(default_factory=list)

    def add(
        self,
        day: date,
        service: str,
        usage_type: str,
        usd: str,
        *,
        region: str = "us-west-2",
        tags: Mapping[str, str],
        quantity: str = "1",
    ) -> None:
        """Bill something."""
        self._entries.append(
            _Entry(
                day=day,
                dimensions={"SERVICE": service, "USAGE_TYPE": usage_type, "REGION": region},
                tags=tags,
                usd=Decimal(usd),
                quantity=Decimal(quantity),
            )
        )

    def months(self, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """ResultsByTime, with all groups.

        Raises:
            Refusal: The time is none.
            NotSimulatedError: It is asked for in a way that is not simulated.
        """
        start = date.fromisoformat(asked["TimePeriod"]["Start"])
        end = date.fromisoformat(asked["TimePeriod"]["End"])
        if start >= end:
            raise _invalid("Start date (and hour) should be before end date (and hour)")
        if start > self.today():
            raise _invalid(f"start date ({start}) cannot be in the future")
        if asked["Granularity"] != "MONTHLY":
            raise NotSimulatedError(f"granularity {asked['Granularity']}")
        grouping = asked.get("GroupBy") or []
        if len(grouping) > _MOST_GROUPS:
            raise _invalid("Group By can have up to 2 groups")
        while start < end:
            following = min(_next_month(start), end)
            entries = [e for e in self._entries if start <= e.day < following]
            kept = [e for e in entries if self._fits(e, asked.get("Filter"))]
            yield {
                "TimePeriod": {"Start": f"{start}", "End": f"{following}"},
                "Total": {},
                "Groups": list(self._groups(kept, grouping, asked["Metrics"])),
                "Estimated": following > self.today(),
            }
            start = following

    def _tag(self, entry: _Entry, key: str) -> str:
        return entry.tags.get(key, "") if key in self.activated else ""

    def _fits(self, entry: _Entry, wanted: Mapping[str, Any] | None) -> bool:
        if wanted is None:
            return True
        ((kind, what),) = wanted.items()
        if kind == "And":
            return all(self._fits(entry, each) for each in what)
        if kind not in {"Tags", "Dimensions"} or set(what) != {"Key", "Values"}:
            raise NotSimulatedError(f"the filter {wanted}")
        if kind == "Tags":
            return self._tag(entry, what["Key"]) in what["Values"]
        if what["Key"] not in entry.dimensions:
            raise NotSimulatedError(f"the dimension {what['Key']}")
        return entry.dimensions[what["Key"]] in what["Values"]

    def _groups(
        self, kept: Iterable[_Entry], grouping: list[Mapping[str, str]], metrics: list[str]
    ) -> Iterator[dict[str, Any]]:
        if not grouping:
            raise NotSimulatedError("an answer without groups")
        found: dict[tuple[str, ...], list[_Entry]] = {}
        for entry in kept:
            found.setdefault(tuple(self._named(entry, by) for by in grouping), []).append(entry)
        for keys, entries in sorted(found.items()):
            sums = {name: sum(getattr(e, _METRICS[name][0]) for e in entries) for name in metrics}
            shown = {n: {"Amount": f"{s:f}", "Unit": _METRICS[n][1]} for n, s in sums.items()}
            yield {"Keys": list(keys), "Metrics": shown}

    def _named(self, entry: _Entry, by: Mapping[str, str]) -> str:
        if by["Type"] == "TAG":
            return f"{by['Key']}${self._tag(entry, by['Key'])}"
        if by["Type"] != "DIMENSION" or by["Key"] not in entry.dimensions:
            raise NotSimulatedError(f"grouping by {by}")
        return entry.dimensions[by["Key"]]


class CostExplorer(Refusing):
    """One request to Cost Explorer."""

    def __init__(self, bill: Bill) -> None:
        super().__init__("ce")
        self.automated_parameter_parsing = True
        self._bill = bill

    def get_cost_and_usage(self) -> ActionResult:
        """A page of what was billed; a month whose groups are not all on it goes on on the next."""
        asked: Mapping[str, Any] = self._get_params()
        if self.region != _HAS_IT:
            raise NotSimulatedError(f"Cost Explorer in {self.region}: AWS has none there")
        months = list(self._bill.months(asked))
        first = int(asked.get("NextPageToken") or 0)
        last, passed, shown = first + self._bill.a_page, 0, []
        for month in months:
            groups = month["Groups"]
            there = groups[max(0, first - passed) : max(0, last - passed)]
            if there or (not groups and first <= passed < last):
                shown.append({**month, "Groups": there})
            passed += len(groups)
        more = {"NextPageToken": f"{last}"} if last < passed else {}
        return ActionResult(
            {"GroupDefinitions": asked.get("GroupBy", []), "ResultsByTime": shown, **more}
        )


def _invalid(why: str) -> Refusal:
    return Refusal("ValidationException", why, status=400)


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
