"""Keeps the ledgers of what this process asks of stores."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from cryoem_cloud.model.errors import CryoemError, StoreError
from cryoem_cloud.model.usage import Asking, Tariff, Usage
from cryoem_cloud.ports.meter import Asked
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.meters import Cause, StoreMeter

__all__ = ["Recorder"]

_LOG = logging.getLogger(__name__)

_AGAIN_S = 600.0
"""Between two records, and as much as a process that is killed loses at most; but"""
_LOOK_S = 15.0
_MOST_BYTES = 2**30
"""so many bytes that have come home are recorded as soon as that is seen."""


_NOTHING = Asking()
_Kept = tuple[str, Cause]
"""A store's URL, and whose keys were asked for there."""


@dataclass(kw_only=True)
class Recorder:
    """Of one run of one program, named by `asker`; while it is entered, in the background too.

    `metered` are the stores that this process has opened. Of a program whose bytes do not leave the
    provider's network, `brings_home` is False. What costs nothing is not recorded; a store that is
    away keeps nobody from anything: it is told later.
    """

    asker: str
    metered: Callable[[], Iterable[tuple[Store, StoreMeter]]]
    tariff: Callable[[Store], Tariff]
    submitter: str = ""
    brings_home: bool = True
    _before: dict[_Kept, Asking] = field(init=False)
    """What was asked before this one was made: another's."""
    _told: dict[_Kept, Asking] = field(default_factory=dict)
    _numbers: dict[_Kept, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._before = {
            (store.url, cause): asked
            for store, meter in self.metered()
            for cause, asked in meter.sums().items()
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._run, name="recorder", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self.write()

    def write(self) -> None:
        """Record what was asked until now."""
        with self._lock:
            for store, meter in self.metered():
                tariff = self._tariff(store)
                if tariff == Tariff(source=tariff.source):
                    continue
                for cause in meter.sums():
                    self._record(store, meter, cause, tariff)

    def _tariff(self, store: Store) -> Tariff:
        """What a store costs; nothing where that cannot be told now: it is recorded later."""
        try:
            return self.tariff(store)
        except (CryoemError, OSError) as error:
            _LOG.warning("what %s costs cannot be told: %s", store.url, error)
            return Tariff()

    def _asked(self, store: Store, meter: StoreMeter, cause: Cause) -> Asking:
        return meter.sums()[cause].less(self._before.get((store.url, cause), _NOTHING))

    def _record(self, store: Store, meter: StoreMeter, cause: Cause, tariff: Tariff) -> None:
        """Record one cause, if there is anything new; the record itself is a request too."""
        kept, asked = (store.url, cause), self._asked(store, meter, cause)
        if asked == self._told.get(kept, _NOTHING):
            return
        asked = asked.plus(Asked.WRITE.value, 0)
        usage = Usage(
            asker=self.asker,
            job=cause.job,
            month=cause.month,
            asked=asked if self.brings_home else replace(asked, home_bytes=0),
            tariff=tariff,
            submitter=self.submitter,
        )
        number = self._numbers.get(kept, 0) + 1
        self._numbers[kept] = number  # whether or not it is written: none is written twice
        try:
            Ledger(store, cause.project).put_usage(usage, number)
        except StoreError as error:
            _LOG.warning("the ledger of %s is not told of requests: %s", cause.project, error)
            return
        self._told[kept] = asked  # what others ask meanwhile is new

    def _run(self) -> None:
        waited_s = 0.0
        while not self._over.wait(_LOOK_S):
            waited_s += _LOOK_S
            if waited_s >= _AGAIN_S or self._untold_bytes() >= _MOST_BYTES:
                waited_s = 0.0
                self.write()

    def _untold_bytes(self) -> int:
        if not self.brings_home:
            return 0
        come = sum(
            self._asked(store, meter, cause).home_bytes
            for store, meter in self.metered()
            for cause in meter.sums()
        )
        with self._lock:
            return come - sum(asked.home_bytes for asked in self._told.values())
