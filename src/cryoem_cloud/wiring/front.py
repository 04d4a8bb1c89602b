"""What the front commands work with; imports little."""

import getpass
import os
import platform
from functools import cache

from cryoem_cloud.courier.cards import Cards
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.courier.submit import Counter
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places, environment
from cryoem_cloud.stores.ids import JobNumbers, reserve_block
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["counter", "store_at", "submitter", "user_name"]


@cache
def store_at(url: str) -> Store:
    """The store at a URL; one adapter a process and URL."""
    return open_store(url, env=environment())


def counter(places: Places, store: str) -> Counter:
    """Where jobs are handed in for a store."""
    tag = "".join(c if c.isalnum() else "-" for c in store)[-80:]
    return Counter(
        spool=spool_of(places),
        cards=Cards(places.state / "jobs"),
        numbers=JobNumbers(places.state / "numbers" / f"{tag}.json"),
        reserve=lambda: reserve_block(store_at(store), submitter()),
        submitter=submitter(),
        now=SystemClock().now(),
    )


def submitter() -> str:
    """Who we are, for people: user and host."""
    return f"{user_name()}@{platform.node()}"


def user_name() -> str:
    """The user's name; their number where the system knows no name for it, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
