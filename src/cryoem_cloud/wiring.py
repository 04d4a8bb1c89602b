"""The one place that knows every adapter, and puts the programs together."""

import getpass
import json
import logging
import os
import platform
import secrets
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Event

from cryoem_cloud.agent.work import Agent
from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.courier.cache import Cache
from cryoem_cloud.courier.cards import Cards
from cryoem_cloud.courier.main import Courier
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.start import lock, spool_of
from cryoem_cloud.courier.submit import Counter
from cryoem_cloud.courier.whole import write_whole
from cryoem_cloud.frontends.registry import frontend_named
from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.ports.store import Store
from cryoem_cloud.providers.local import LocalProvider, LocalSelf
from cryoem_cloud.settings import Places, Settings, environment
from cryoem_cloud.stores.ids import JobNumbers, reserve_block
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.urls import open_store

__all__ = ["SystemClock", "counter", "provider_at", "run_agent", "run_courier", "store_at"]

AGENT = (sys.executable, "-I", "-m", "cryoem_cloud.cli", "agent")
"""How a machine of this computer starts its agent."""


class SystemClock:
    """This computer's clock."""

    def now(self) -> datetime:
        """See the port."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See the port."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See the port."""
        time.sleep(seconds)


@cache
def store_at(url: str) -> Store:
    """The store at a URL; one adapter a process and URL."""
    return open_store(url, env=environment())


def provider_at(name: str, settings: Settings, places: Places) -> Provider:
    """The provider of that name.

    Raises:
        SettingsError: There is none.
    """
    if name != "local":
        raise SettingsError(f"there is no provider {name!r}", hint="known is local")
    command = (*shlex.split(settings.local_prefix), *AGENT)
    return LocalProvider(places.state / "machines", command)


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
    return f"{getpass.getuser()}@{platform.node()}"


def run_courier(places: Places, *, stay: bool) -> bool:
    """Be this computer's courier until nothing is left to do; False where there is one already."""
    _log_to_stderr()
    stopping = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    while True:
        with lock(places) as ours:
            if not ours:
                return False
            Courier(_means(places, stopping)).run(stay=stay)
        # A job may have been spooled after our last look, by somebody who saw us still there.
        if stopping.is_set() or spool_of(places).empty():
            return True


def run_agent(*, store: str, project: str, job: int, machine: Path, told: bytes) -> None:
    """Be the agent of a local machine."""
    _log_to_stderr()
    words: Mapping[str, Mapping[str, str]] = json.loads(told or b"{}")
    Agent(
        records=JobRecords(store_at(store), project, job),
        myself=LocalSelf(machine),
        application=application_named,
        scratch=machine / "scratch",
        environment=words.get("environment", {}),
        clock=SystemClock(),
    ).live()


def _means(places: Places, stopping: Event) -> Means:
    return Means(
        who=_courier_name(places),
        store=store_at,
        application=application_named,
        frontend=cache(frontend_named),
        provider=lambda name, settings: provider_at(name, settings, places),
        settings=lambda folder: Settings.read(places, Path(folder), environment()),
        cache=Cache(places.cache / "courier.sqlite"),
        cards=Cards(places.state / "jobs"),
        spool=spool_of(places),
        clock=SystemClock(),
        stopping=stopping,
    )


def _courier_name(places: Places) -> str:
    """This courier's name, the same after a restart: what it held before is still its own."""
    file = places.cache / "courier.name"
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        name = f"courier-{os.getuid()}-{secrets.token_hex(6)}"
        write_whole(file, name.encode())
        return name


class _Lines(logging.Formatter):
    """A JSON object a line: time, level, where from, what; the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "thread": record.threadName,
            "text": record.getMessage(),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def _log_to_stderr() -> None:
    out = logging.StreamHandler()
    out.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[out], force=True)
