"""Sees to it that a courier runs while there is something to do."""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cryoem_cloud.courier.known.spool import Spool
from cryoem_cloud.courier.known.stores_used import StoresUsed
from cryoem_cloud.settings import Places

__all__ = ["lock", "log_file", "running", "spool_of", "stores_used", "wake"]

_LOG_BYTES = 10_000_000
_AGAIN_S = 0.05
"""Between tries to get the lock."""


def spool_of(places: Places) -> Spool:
    """This computer's spool."""
    return Spool(places.state / "spool")


def stores_used(places: Places) -> StoresUsed:
    """Which stores this user has used for projects on this computer."""
    return StoresUsed(places.state / "projects")


def running(places: Places) -> bool:
    """Whether this user's courier runs on this computer."""
    with lock(places) as ours:
        return not ours


@contextmanager
def lock(places: Places, *, patience_s: float = 0.0) -> Iterator[bool]:
    """Try for so long to be the one courier of this user on this computer; whether we are."""
    places.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (places.cache / "courier.lock").open("ab") as file:
        until_s = time.monotonic() + patience_s
        while not (ours := _locked(file)) and time.monotonic() < until_s:
            time.sleep(_AGAIN_S)
        yield ours


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wake(places: Places) -> bool:
    """Start a courier in the background if there is work and none runs; whether one was started.

    It is in a session of its own: it lives on when the terminal closes.
    """
    if spool_of(places).empty() or running(places):
        return False
    log = log_file(places)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as file:
        subprocess.Popen(  # it outlives us on purpose
            [sys.executable, "-I", "-m", "cryoem_cloud.cli", "courier"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd="/",
        )
    return True


def log_file(places: Places) -> Path:
    """What the courier writes about its work."""
    return places.state / "courier.log"
