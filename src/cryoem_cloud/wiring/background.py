"""The courier's program."""

import os
import secrets
import shlex
import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Event

from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.courier.engines import EnginesBySettings
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.cards import Cards
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.courier.main import Courier
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.start import lock, spool_of
from cryoem_cloud.frontends.registry import frontend_named
from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.providers.aws.account import accounts
from cryoem_cloud.providers.local import LocalProvider
from cryoem_cloud.settings import Places, Settings, environment
from cryoem_cloud.stores.remembered import Remembered
from cryoem_cloud.wiring.catalogue import catalogue
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.engines import moving
from cryoem_cloud.wiring.footing import footing
from cryoem_cloud.wiring.front import submitter
from cryoem_cloud.wiring.lines import lines_of
from cryoem_cloud.wiring.logs import log_to_stderr
from cryoem_cloud.wiring.rates import rates_by
from cryoem_cloud.wiring.recording import recorder
from cryoem_cloud.wiring.storage import prices_of
from cryoem_cloud.wiring.stores import store_at

__all__ = ["means", "provider_at", "providers_of", "run_courier"]

AGENT = (sys.executable, "-I", "-m", "cryoem_cloud.cli", "agent")
"""How a machine of this computer starts its agent."""


_PATIENCE_S = 1.0
"""For who just looks whether a courier runs, and holds the lock for that instant."""


def provider_at(name: str, settings: Settings, places: Places, store: str = "") -> Provider:
    """The provider of that name; of several accounts at AWS, that of the store.

    Raises:
        SettingsError: There is none, or what starts its machines cannot be understood.
    """
    if name == "aws":
        from cryoem_cloud.wiring.aws import aws_provider  # noqa: PLC0415  (who has joined alone)

        return aws_provider(places.config, settings, store)
    if name != "local":
        raise SettingsError(f"there is no provider {name!r}", hint="known are local, aws")
    try:
        prefix = shlex.split(settings.local_prefix)
    except ValueError as error:
        raise SettingsError(
            f"the setting local_prefix is {settings.local_prefix!r}: {error}",
            hint="correct it; it is read anew",
        ) from error
    return LocalProvider(places.state / "machines", (*prefix, *AGENT))


def run_courier(places: Places, *, stay: bool) -> bool:
    """Be this computer's courier until nothing is left to do; False where there is one already."""
    log_to_stderr()
    stopping = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    while True:
        with lock(places, patience_s=_PATIENCE_S) as ours:
            if not ours:
                return False
            with recorder(_courier_name(places), places, submitter=submitter()) as books:
                Courier(means(places, stopping, record=books.write)).run(stay=stay)
        # A job may have been spooled after our last look, by somebody who saw us still there.
        if stopping.is_set() or spool_of(places).empty():
            return True


def means(places: Places, stopping: Event, *, record: Callable[[], None] = lambda: None) -> Means:
    """What this computer's courier works with."""
    return Means(
        who=_courier_name(places),
        store=store_at,
        application=application_named,
        frontend=cache(frontend_named),
        provider=lambda name, settings, store: provider_at(name, settings, places, store),
        providers=lambda: providers_of(places),
        settings=lambda folder: Settings.read(places, Path(folder), environment()),
        cache=Cache(places.cache / "courier.sqlite"),
        cards=Cards(places.state / "jobs"),
        spool=spool_of(places),
        clock=SystemClock(),
        stopping=stopping,
        engines=EnginesBySettings(lambda settings: moving(places, settings)),
        lines=lines_of(places),
        rates=lambda settings: rates_by(places, settings),
        learnt=Learnt(places.cache / "learnt"),
        remembered=Remembered(places.cache / "ledgers"),
        record=record,
        prices=lambda store: prices_of(store, places),
        catalogue=lambda region, folder: catalogue(
            places, SystemClock().now(), regions=(region,), project=folder
        ),
        footing=lambda region, store: footing(places, region, SystemClock().now(), store=store),
        footing_now=lambda region, store: footing(
            places, region, SystemClock().now(), store=store, anew=True
        ),
    )


def providers_of(places: Places) -> tuple[Provider, ...]:
    """Those that may have machines of ours: this computer, and the accounts that were joined."""
    found = [("local", ""), *(("aws", each.store) for each in accounts(places.config))]
    return tuple(provider_at(name, Settings(), places, store) for name, store in found)


def _courier_name(places: Places) -> str:
    """This courier's name, the same after a restart: what it held before is still its own."""
    file = places.cache / "courier.name"
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        name = f"courier-{os.getuid()}-{secrets.token_hex(6)}"
        write_whole(file, name.encode())
        return name
