"""What goes on beside a task: listening to what the user wants, and not giving up."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryoem_cloud.model.control import Control
from cryoem_cloud.model.errors import (
    CryoemError,
    NoSpaceError,
    StoreDeniedError,
    StoreUnreachableError,
)
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Ears", "Extensions", "insisting"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

_LONGEST_PAUSE_S = 30.0


@dataclass
class Ears:
    """Hears each wish of the user's once."""

    records: JobRecords
    _next: int = 1

    def wish(self) -> Control | None:
        """A wish that was not heard before; one request. Silence while the store is away."""
        try:
            found = self.records.asked(self._next)
        except CryoemError as error:
            _LOG.warning("cannot listen: %s", error)
            return None
        if found is not None:
            self._next += 1
        return found


@dataclass
class Extensions:
    """Hears each time that a job's limit was put off."""

    records: JobRecords
    _heard: int = 0

    def until(self) -> datetime | None:
        """The newest limit, where it was not heard before; one request, and one for each."""
        newest = None
        try:
            while (found := self.records.extended(self._heard + 1)) is not None:
                newest, self._heard = found, self._heard + 1
        except CryoemError as error:
            _LOG.warning("cannot see whether there is more time: %s", error)
        return newest


def insisting(act: Callable[[], T], wait: Callable[[float], None]) -> T:
    """What `act` gives, tried again as long as the store or a disk does not let it.

    A machine that has worked must not lose its results because the store is away for an hour;
    what ends the waiting is the machine's own limit, or the user.
    """
    pause_s = 1.0
    while True:
        try:
            return act()
        except (StoreUnreachableError, StoreDeniedError, NoSpaceError) as error:
            _LOG.warning("trying again in %.0f s: %s", pause_s, error)
        wait(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
