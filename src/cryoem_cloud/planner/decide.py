"""Which machines a job gets: what a plan says, in the order in which it is tried."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import ceil

from cryoem_cloud.model.allowance import Allowance
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.errors import QuotaError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.model.plan import Limits, Option, Plan, Terms, Transfer
from cryoem_cloud.model.units import human_duration
from cryoem_cloud.model.usd import about
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.allowed import allowed
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.choose import choose
from cryoem_cloud.planner.disk import MOST_DISK_GIB
from cryoem_cloud.planner.learning import jobs_behind, said_of
from cryoem_cloud.planner.performance import Rates, published

__all__ = ["Ground", "decided", "fixed_count", "limits_of"]

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """All that a decision depends on but the work and the wish.

    `table` are the offers of who says nothing, or names machine types; `limit_s` is how long a
    fleet may be there at most; `rates` have what the project's jobs have taught; `line` says how
    fast the line is, and how that is known.
    """

    prices: Catalogue
    transfer: Transfer
    terms: Terms
    table: tuple[Offer, ...]
    limit_s: float
    line: str = ""
    rates: Rates = field(default_factory=published)


def fixed_count(wish: Wish, usual: int) -> int:
    """How many machines a user wants, by the job or as usual; 0: nobody has said."""
    count = wish.count or (usual if usual > 1 else 0)
    return min(count, wish.max_machines or count)


def limits_of(
    wish: Wish, *, count: int, most: int, whole: bool, allowances: tuple[Allowance, ...] = ()
) -> Limits:
    """What a job's wish allows, on so many machines; a `whole` job has one.

    With a `count` of 0 the plan chooses, `most` at most, or as many as the wish says.
    """
    named = tuple(word.strip() for word in wish.machine.split(",") if word.strip())
    machines = 1 if whole or wish.pieces == 1 else count
    return Limits(
        deadline_h=wish.deadline_s / _HOUR_S or None,
        budget_usd=wish.budget_usd or None,
        market=Market(wish.market) if wish.market else None,
        kinds=named,
        fewest=machines or 1,
        machines=machines or wish.max_machines or most,
        allowances=allowances,
        disk_gib=MOST_DISK_GIB,
    )


def decided(work: Work, limits: Limits, ground: Ground) -> Chosen | str:
    """What a plan decides for the job, or why none can. Pure.

    Types that the user named stay as they are; the plan tells what to expect of them.

    Raises:
        QuotaError: The account may start no machine on which the job could run.
    """
    plan, option, why = _best(work, limits, ground)
    if plan.by_quota:
        fewer = ", or take fewer machines" if limits.fewest > 1 else ""
        hint = f"the account's quotas leave no machine; submit it again once there is more{fewer}"
        raise QuotaError(why, hint=hint)
    if option is None:
        return why
    if limits.kinds:
        offers = tuple(_named(option, limits, ground))
    else:
        offers = tuple(_offers(option, plan.alike, limits, ground))
    kind = option.listing.kind
    learnt = said_of(jobs_behind(work, kind, ground.rates), kind.name)
    return Chosen(
        offers=offers,
        count=option.machines,
        paid_s=ceil(option.paid_h.p90 * _HOUR_S),
        usd_p90=option.usd.p90,
        said=(
            *_said(option, why, offers[0], ground),
            *([f"cryoem: its time is known {learnt}"] if learnt else []),
        ),
        work_s=ceil(option.running_h.p10 * option.machines * _HOUR_S),
    )


def _best(work: Work, limits: Limits, ground: Ground) -> tuple[Plan, Option | None, str]:
    """The choice and why; what nothing keeps is told, and given up: the deadline, then the budget.

    Of a budget that nothing keeps the cheapest is left.
    """
    plan = _plan(work, limits, ground)
    if plan.choice is not None or not plan.front:
        return plan, plan.choice, plan.reason
    why = plan.reason
    if limits.deadline_h is not None:
        plan = _plan(work, replace(limits, deadline_h=None), ground)
        if plan.choice is not None:
            return plan, plan.choice, f"{why}; so {plan.reason}"
    return plan, plan.front[-1], f"{why}; so the cheapest"


def _plan(work: Work, limits: Limits, ground: Ground) -> Plan:
    return choose(
        work,
        ground.prices.listings,
        transfer=ground.transfer,
        terms=ground.terms,
        rates=ground.rates,
        limits=limits,
    )


def _offers(
    option: Option, alike: tuple[str, ...], limits: Limits, ground: Ground
) -> Iterator[Offer]:
    """The choice and its like; and the same on demand, where Spot may have none."""
    alike = alike or (option.listing.kind.name,)
    yield Offer(alike, option.market)
    if option.market is Market.SPOT and limits.market is None:
        sold = {
            listing.kind.name
            for listing in ground.prices.listings
            if listing.price.of(Market.ON_DEMAND) is not None
        } - _too_many(Market.ON_DEMAND, option.machines, limits, ground)
        if others := tuple(name for name in alike if name in sold):
            yield Offer(others, Market.ON_DEMAND)


def _named(option: Option, limits: Limits, ground: Ground) -> Iterator[Offer]:
    """The offers of who named types, in the choice's market first, without what may not start."""
    for offer in sorted(ground.table, key=lambda offer: offer.market is not option.market):
        over = _too_many(offer.market or option.market, option.machines, limits, ground)
        if kinds := tuple(name for name in offer.kinds if name not in over):
            yield replace(offer, kinds=kinds)


def _too_many(market: Market, machines: int, limits: Limits, ground: Ground) -> set[str]:
    """The machine types of which the account may not start so many."""
    listings = ground.prices.listings
    may = {each.kind for each in allowed(listings, market, machines, limits.allowances)}
    return {each.kind.name for each in listings if each.kind not in may}


def _said(option: Option, why: str, first: Offer, ground: Ground) -> Iterator[str]:
    """The short form: the choice and why, time and money, what it is based on."""
    hours, usd = option.total_h, option.usd
    yield f"cryoem: plan: {why}"
    soon, mean, late = (_words(each) for each in (hours.p10, hours.p50, hours.p90))
    line = f", on a line of {ground.line}" if ground.line else ""
    yield f"cryoem: results are home in {soon} to {late}, half of the times by {mean}{line}"
    yield (
        f"cryoem: for {about(usd.p10)} to {about(usd.p90)}, half of the times at most "
        f"{about(usd.p50)}, at prices of {ground.prices.only(option.listing.region).told}"
    )
    if len(first.kinds) > 1:
        yield f"cryoem: any of these will do: {', '.join(first.kinds)}"
    if ground.limit_s < option.life_h.p90 * _HOUR_S:
        need = ceil(option.life_h.p90)
        yield (
            f"cryoem: its machines end after {ground.limit_s / _HOUR_S:g} h, maybe too soon: "
            f"#CRYOEM hours={need}"
        )


def _words(hours: float) -> str:
    """A time that is no better known than to a minute."""
    return human_duration(timedelta(minutes=max(1, round(hours * 60)))).removesuffix(" 00 s")
