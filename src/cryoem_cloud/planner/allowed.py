"""What an account may start: offers that it may not are left out, and told how to ask for more."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from cryoem_cloud.model.allowance import Allowance, beyond
from cryoem_cloud.model.machine_type import Listing, MachineType
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.plan import Excluded

__all__ = ["allowed", "not_allowed"]

_MARKET = {Market.SPOT: "on Spot", Market.ON_DEMAND: "on demand"}


def allowed(
    listings: Iterable[Listing],
    market: Market,
    machines: int,
    allowances: Iterable[Allowance],
) -> list[Listing]:
    """Those of which the account may start so many in that market."""
    return [each for each in listings if beyond(each, market, machines, allowances) is None]


def not_allowed(
    listings: Iterable[Listing],
    markets: Iterable[Market],
    machines: int,
    allowances: Iterable[Allowance],
) -> Iterator[Excluded]:
    """What is sold in these markets, of which the account may not start so many; one a quota."""
    refused: defaultdict[Allowance, set[MachineType]] = defaultdict(set)
    for market in markets:
        may = {each.kind for each in allowed(listings, market, machines, allowances)}
        for each in listings:
            over = beyond(each, market, machines, allowances)
            if over and each.kind not in may and each.price.of(market) is not None:
                refused[over].add(each.kind)
    for over, kinds in refused.items():
        yield Excluded(
            kinds=tuple(sorted(kind.name for kind in kinds)),
            why=_why(over, sorted(kind.vcpus * machines for kind in kinds)),
        )


def _why(over: Allowance, vcpus: list[int]) -> str:
    least, most = vcpus[0], vcpus[-1]
    needs = f"{least}" if least == most else f"{least} to {most}"
    return (
        f"needs {needs} vCPUs {_MARKET[over.market]}, and the account may start {over.vcpus} of "
        f"{over.whose} in {over.region}: ask for more with {over.more} {least}"
    )
