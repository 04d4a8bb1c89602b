"""Which machines a job's work should have: every offer's time and money, the choice, and why."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from math import inf

from cryoem_cloud.model.machine_type import Listing, MachineType
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.plan import Excluded, Limits, Option, Plan, Terms, Transfer
from cryoem_cloud.model.units import counted, roughly
from cryoem_cloud.model.usd import dollars
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.allowed import allowed, not_allowed
from cryoem_cloud.planner.memory import lacking
from cryoem_cloud.planner.performance import Rates, why_unknown
from cryoem_cloud.planner.reckon import Reckoner

__all__ = ["SENSIBLE", "WITHIN", "choose", "front"]

WITHIN = 1.3
"""Where nothing is asked for: the cheapest of those that take no longer than so many times what the
fastest sensible one takes."""
SENSIBLE = 2
"""What costs more than so many times the cheapest is no sensible choice, however fast. Our
assumption."""

ALIKE = Decimal("1.15")
"""Costs that are no further apart are alike, as their ranges are wider than that: the faster one is
taken."""

_NOTICED = 0.99
"""A time that is not at most so much of another one is no shorter: more machines are not offered
for that, as budgets reserve for all of them, and nothing dearer is chosen. Our assumption."""

_MOST_MACHINES = 64
_GIB = 2**30


def choose(
    work: Work,
    listings: Iterable[Listing],
    *,
    transfer: Transfer,
    terms: Terms,
    rates: Rates,
    limits: Limits,
) -> Plan:
    """The plan. Pure: the same numbers give the same plan.

    The choice is the cheapest that keeps a deadline, else the fastest that keeps a budget; with
    both, the cheapest that keeps both; with neither, the cheapest of those that take at most WITHIN
    times what the fastest sensible one takes. Times and costs are compared by their P50, limits by
    their P90.
    """
    fitting, excluded = _sorted_out(work, listings, limits, rates)
    reckoner = Reckoner(work, transfer, terms, rates)
    options, refused = _options(reckoner, fitting, limits)
    if options:  # a size that is too large only in some numbers is no exclusion
        offered = {option.listing.kind.name for option in options}
        refused = {why: names - offered for why, names in refused.items()}
    least = next(_numbers(work, limits))
    markets = (limits.market,) if limits.market else tuple(Market)
    over = tuple(not_allowed(fitting, markets, least, limits.allowances))
    choice, reason = _chosen(options, limits)
    if options:
        reason += _fewer(work, limits, least)
    elif over:
        reason = f"{reason}: {'; '.join(each.why for each in over)}"
    for why, names in refused.items():
        excluded[why] |= names
    stored = Decimal(transfer.up_bytes + work.output_bytes) / _GIB
    return Plan(
        choice=choice,
        reason=reason,
        front=front(options),
        excluded=(
            *(
                Excluded(kinds=tuple(sorted(names)), why=why)
                for why, names in sorted(excluded.items())
                if names
            ),
            *over,
        ),
        store_usd_month=stored * terms.store_usd_per_gib_month,
        by_quota=bool(over) and not options,
        alike=_alike(choice, options, limits) if choice else (),
    )


def front(options: Sequence[Option]) -> tuple[Option, ...]:
    """Those of which no other is faster and no dearer, or cheaper and no slower, fastest first."""
    found: list[Option] = []
    for option in sorted(options, key=_by_time):
        if not found or option.usd.p50 < found[-1].usd.p50:
            found.append(option)
    return tuple(found)


def _by_time(option: Option) -> tuple[float, Decimal, str, int]:
    return option.total_h.p50, option.usd.p50, option.listing.kind.name, option.machines


def _by_usd(option: Option) -> tuple[Decimal, float, str, int]:
    return option.usd.p50, option.total_h.p50, option.listing.kind.name, option.machines


def _sorted_out(
    work: Work, listings: Iterable[Listing], limits: Limits, rates: Rates
) -> tuple[list[Listing], defaultdict[str, set[str]]]:
    """The listings on which the work can be done, and the machine types on which it cannot."""
    fitting: list[Listing] = []
    excluded: defaultdict[str, set[str]] = defaultdict(set)
    told: dict[MachineType, str] = {}
    for listing in listings:
        kind = listing.kind
        if limits.regions and listing.region not in limits.regions:
            continue
        if limits.kinds and kind.name not in limits.kinds:
            continue
        if kind not in told:
            told[kind] = why_unknown(work, kind, rates) or lacking(work, kind)
        if told[kind]:
            excluded[told[kind]].add(kind.name)
        else:
            fitting.append(listing)
    return fitting, excluded


def _options(
    reckoner: Reckoner, listings: Iterable[Listing], limits: Limits
) -> tuple[list[Option], dict[str, set[str]]]:
    """What is offered; and machine types that are not, by the reason."""
    options: list[Option] = []
    refused: defaultdict[str, set[str]] = defaultdict(set)
    markets = (limits.market,) if limits.market else tuple(Market)
    for market in markets:
        least = next(_numbers(reckoner.work, limits))
        for listing in _cheapest(allowed(listings, market, least, limits.allowances), market):
            least_h = inf
            for machines in _numbers(reckoner.work, limits):
                if not allowed((listing,), market, machines, limits.allowances):
                    continue
                if why := _too_large(reckoner, listing.kind, machines, limits):
                    refused[why].add(listing.kind.name)
                    continue
                option = reckoner.option(listing, market, machines)
                if option.total_h.p90 <= _NOTICED * least_h:
                    options.append(option)
                    least_h = option.total_h.p90
    sold = {listing.kind.name for market in markets for listing in _cheapest(listings, market)}
    unsold = {listing.kind.name for listing in listings} - sold
    refused[f"is not sold {' or '.join(market.value for market in markets)} there"] |= unsold
    return options, refused


def _fewer(work: Work, limits: Limits, most: int) -> str:
    """Why there are fewer machines than were asked for, in words; "" where there are not."""
    if most >= limits.fewest:
        return ""
    why = "a job gets no more"
    if not work.divisible:
        why = "it cannot be cut into pieces"
    elif most == work.items:
        why = f"it cannot be cut into more than {counted(most, 'piece')}"
    return f"; {counted(most, 'machine')} and not {limits.fewest}, as {why}"


def _cheapest(listings: Iterable[Listing], market: Market) -> list[Listing]:
    """Of each machine type the cheapest listing: a region changes the price and nothing else."""
    best: dict[str, tuple[Decimal, Listing]] = {}
    for listing in listings:
        price = listing.price.of(market)
        name = listing.kind.name
        if price is not None and (name not in best or price < best[name][0]):
            best[name] = (price, listing)
    return [listing for _, listing in best.values()]


def _numbers(work: Work, limits: Limits) -> Iterator[int]:
    """How many machines may share it: 1, 2, 3, 4, 6, 8, 12 and so on, and as many as may be."""
    most = min(work.items, _MOST_MACHINES) if work.divisible else 1
    most = min(most, limits.machines or most)
    most, number = max(most, 1), 1
    while number < most:
        if number >= limits.fewest:
            yield number
        if number > 1 and limits.fewest <= number * 3 // 2 < most:
            yield number * 3 // 2
        number *= 2
    yield most


def _alike(choice: Option, options: Iterable[Option], limits: Limits) -> tuple[str, ...]:
    """The choice's machine type, and those that would do for it, the cheapest first."""
    kind = choice.listing.kind
    found = [
        option
        for option in options
        if option.listing.region == choice.listing.region
        and (option.market, option.machines) == (choice.market, choice.machines)
        and _does_for(option.listing.kind, kind)
        and option.total_h.p50 <= float(ALIKE) * choice.total_h.p50
        and option.usd.p50 <= ALIKE * choice.usd.p50
        and _keeps(option, limits)
    ]
    names = (option.listing.kind.name for option in sorted(found, key=_by_usd))
    return tuple(dict.fromkeys((kind.name, *names)))


def _does_for(other: MachineType, kind: MachineType) -> bool:
    """Whether what suits a machine type suits the other: all counts are the same."""
    same = (other.gpus, other.cores) == (kind.gpus, kind.cores)
    return same and other.memory_gib >= kind.memory_gib


def _too_large(reckoner: Reckoner, kind: MachineType, machines: int, limits: Limits) -> str:
    """Why so many of such machines may not be had; "" where they may."""
    disk = reckoner.disk_gib(kind, machines)
    if limits.disk_gib is not None and disk > limits.disk_gib:
        return f"needs {disk} GiB of disk, and a machine may have {limits.disk_gib}"
    return ""


def _hours(deadline_h: float) -> str:
    """A deadline as users say it, `8 h` or `1.5 h`; to the minute where that is not it."""
    exact = round(deadline_h, 2) == deadline_h
    return f"{deadline_h:g} h" if exact else roughly(deadline_h * 3600)


def _chosen(options: Sequence[Option], limits: Limits) -> tuple[Option | None, str]:
    """The choice and its reason."""
    if not options:
        return None, "no machine type that may be had can do it"
    deadline, budget = limits.deadline_h, limits.budget_usd
    if deadline is None and budget is None:
        return _sensible(options)
    left = [option for option in options if _keeps(option, limits)]
    asked = " and ".join(
        [
            *([f"ends within {_hours(deadline)}"] if deadline is not None else []),
            *([f"costs at most {dollars(budget)}"] if budget is not None else []),
        ]
    )
    if not left:
        return None, _none_keeps(options, limits, asked)
    if deadline is not None:
        best = min(left, key=_by_usd)
        return best, f"{best.name}: the cheapest that {asked}, nine times of ten"
    best = min(left, key=_by_time)
    return best, f"{best.name}: the fastest that {asked}, nine times of ten"


def _keeps(option: Option, limits: Limits) -> bool:
    in_time = limits.deadline_h is None or option.total_h.p90 <= limits.deadline_h
    return in_time and (limits.budget_usd is None or option.usd.p90 <= limits.budget_usd)


def _none_keeps(options: Sequence[Option], limits: Limits, asked: str) -> str:
    """What comes nearest."""
    said = []
    if limits.deadline_h is not None:
        fastest = min(options, key=lambda option: (option.total_h.p90, *_by_time(option)))
        said.append(f"the fastest, {fastest.name}, may take {fastest.total_h.p90:.1f} h")
    if limits.budget_usd is not None:
        cheapest = min(options, key=lambda option: (option.usd.p90, *_by_usd(option)))
        said.append(f"the cheapest, {cheapest.name}, may cost {dollars(cheapest.usd.p90)}")
    return f"nothing {asked} nine times of ten: {', and '.join(said)}"


def _sensible(options: Sequence[Option]) -> tuple[Option, str]:
    """The cheapest of those that are about as fast as the fastest that has a sensible price."""
    least = min(options, key=_by_usd).usd.p50
    sensible = [option for option in options if option.usd.p50 <= SENSIBLE * least]
    fastest = min(sensible, key=lambda o: (o.total_h.p90, *_by_time(o)))
    near = [o for o in options if o.total_h.p90 <= WITHIN * fastest.total_h.p90]
    most = ALIKE * min(near, key=_by_usd).usd.p50
    alike = [o for o in near if o.usd.p50 <= most]
    least_h = min(o.total_h.p90 for o in alike)
    best = min((o for o in alike if _NOTICED * o.total_h.p90 <= least_h), key=_by_usd)
    if best == fastest:
        return best, f"{best.name}: the fastest that costs at most {SENSIBLE} times the cheapest"
    return best, (
        f"{best.name}: the cheapest that takes at most {WITHIN:g} times as long as the fastest "
        f"of a sensible price, {fastest.name}"
    )
