"""What the courier's errands work with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from cryoem_cloud.courier.engines import EnginesBySettings
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.cards import Cards
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.courier.known.spool import Spool
from cryoem_cloud.model.footing import Footing
from cryoem_cloud.model.storage_prices import FREE, StoragePrices
from cryoem_cloud.mover.lines import Lines
from cryoem_cloud.planner.catalog.catalogue import Catalogue, snapshot
from cryoem_cloud.ports.application import Application
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.frontend import Frontend
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.ports.rates import NO_RATES, Rates
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.remembered import Remembered

__all__ = ["Means"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Adapters by name, and what this courier keeps. `who` names it among couriers for ever."""

    who: str
    store: Callable[[str], Store]
    application: Callable[[str], Application]
    frontend: Callable[[str], Frontend]
    provider: Callable[[str, Settings, str], Provider]
    """By its name, the settings, and the URL of the store that its machines are to reach."""
    providers: Callable[[], tuple[Provider, ...]]
    """Those that may have machines of ours."""
    settings: Callable[[str], Settings]
    """The settings for a project's folder, read anew."""
    cache: Cache
    cards: Cards
    spool: Spool
    clock: Clock
    stopping: Event
    engines: EnginesBySettings = field(default_factory=EnginesBySettings)
    lines: Lines = field(default_factory=Lines)
    """What lines to stores have taken of late."""
    rates: Callable[[Settings], Rates] = lambda _: NO_RATES
    """What machines cost, by the settings."""
    record: Callable[[], None] = lambda: None
    """Has the ledgers know what was asked of stores until now."""
    prices: Callable[[Store], StoragePrices] = lambda _: FREE
    """What a store costs."""
    catalogue: Callable[[str, Path], Catalogue] = lambda region, _: snapshot(region)
    """What is sold in a region, as the user of a project's folder pays for it."""
    footing: Callable[[str, str], Footing | None] = lambda *_: None
    """What the account whose machines reach a store may start in a region; None: nobody knows."""
    footing_now: Callable[[str, str], Footing | None] = lambda *_: None
    """The same, asked anew."""
    learnt: Learnt = field(default_factory=Learnt)
    """What is remembered of how long finished jobs took."""
    remembered: Remembered = field(default_factory=Remembered)
    """What was read of ledgers."""
