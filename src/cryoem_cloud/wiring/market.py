"""Asks AWS what there is and what it costs, and keeps the answers in the cache."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.answers import Part
from cryoem_cloud.model.record import encode
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.market import ask
from cryoem_cloud.providers.aws.prices import PRICE_LIST
from cryoem_cloud.settings import Places, environment
from cryoem_cloud.wiring.catalogue import KIND, file_of, kept

__all__ = ["refreshed"]


def refreshed(places: Places, region: str, now: datetime) -> Iterator[tuple[Part, int]]:
    """Ask for each part that is not fresh, and keep the answer: the part, and how many types.

    Raises:
        ProviderError: AWS does not say; what was asked before stays kept.
    """
    known = kept(places, region)
    calls = Calls(environment(), region)
    families = {kind.family for kind in tables.kinds().values()}
    for part in Part:
        if known.fresh(part, now):
            continue
        prices = calls.elsewhere(PRICE_LIST)
        found = ask(calls, prices, part, families=families, now=now)
        if part is Part.SPECS:
            known = known.and_those_of(found)
        else:
            found = replace(
                found,
                on_demand={x: found.on_demand[x] for x in found.on_demand if x in known.specs},
                spot={x: found.spot[x] for x in found.spot if x in known.specs},
            )
        record = found.to_json(part)
        write_whole(file_of(places, region, part), encode(KIND, record))
        yield part, len(record["machines"])
