"""Looks at what a store holds of a project, and once a day for its ledger."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from cryoem_cloud.model.holding import Holding
from cryoem_cloud.model.storage_prices import StorageClass, StoragePrices
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["kept_sizes", "look_at_holding"]


def look_at_holding(
    store: Store,
    project: str,
    prices: StoragePrices,
    day: date,
    *,
    sizes: Mapping[str, int] | None = None,
) -> None:
    """See to it that what is kept is recorded for that day, which is today (UTC).

    Costs a request, and the first time of a day a listing, unless the `sizes` by class are known;
    nothing where keeping costs nothing. Small objects count as they are paid for.
    """
    ledger = Ledger(store, project)
    rates = {each.value: known.gb_month for each, known in prices.classes.items()}
    if not any(rates.values()) or ledger.knows(day):
        return
    sizes = kept_sizes(store, project) if sizes is None else sizes
    known = {word: rates[word] for word in sizes if word in rates}
    ledger.put_holding(Holding(day=day, sizes=sizes, usd_gb_month=known, source=prices.source))


def kept_sizes(store: Store, project: str) -> dict[str, int]:
    """Bytes of a project by class, as they are paid for; a listing."""
    first, prefix = StorageClass.STANDARD, f"{project}/"
    if store.classes is None:
        return {first.value: sum(item.size for item in store.list(prefix))}
    sizes: Counter[str] = Counter()
    for item in store.classes.list(prefix):
        least = item.kept.least_bytes if item.kept else 0
        sizes[item.word] += max(item.size, least)
    return dict(sizes)
