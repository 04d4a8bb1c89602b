"""A project's store, as commands open it; imports little."""

from functools import cache

from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places, environment
from cryoem_cloud.stores.known import Known
from cryoem_cloud.stores.meters import StoreMeter
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["metered", "store_at", "tag_of"]


_METERED: list[tuple[Store, StoreMeter]] = []


def metered() -> tuple[tuple[Store, StoreMeter], ...]:
    """The stores that this process has opened and that may cost something, and their meters."""
    return tuple(_METERED)


@cache
def store_at(url: str) -> Store:
    """The store at a URL; one adapter a process and URL.

    A folder may be on a disk that is not mounted: it has to hold what this computer has seen in it.
    """
    env, meter = environment(), StoreMeter(lambda: f"{SystemClock().now():%Y-%m}")
    store = open_store(url, env=env, meter=meter)
    if not store.properties.local:
        _METERED.append((store, meter))
        return store
    return Known(store, Places.read(env).state / "stores" / tag_of(url))


def tag_of(store: str) -> str:
    """A file's name for a store."""
    return "".join(c if c.isalnum() else "-" for c in store)[-80:]
