"""Trying again while a store does not answer: the one place where requests are repeated."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from cryoem_cloud.model.errors import StoreError, StoreUnreachableError
from cryoem_cloud.ports.store import Listed, Store
from cryoem_cloud.stores.held import Held

__all__ = ["Patience", "Patient"]

_T = TypeVar("_T")

_FIRST_S = 0.2
_LONGEST_S = 5.0


class Patience:
    """How long a call is tried again: full-jitter exponential back-off, `seconds` in all.

    A store that has never answered is not waited for, so that a wrong address or a missing network
    is told at once.
    """

    def __init__(
        self,
        seconds: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        answered: threading.Event | None = None,
    ) -> None:
        self._seconds = seconds
        self._sleep = sleep
        self._monotonic = monotonic
        self._chance = chance
        self._answered = answered or threading.Event()

    def lasting(self, seconds: float) -> "Patience":
        """Patience with the same store, for another time."""
        return Patience(
            seconds,
            sleep=self._sleep,
            monotonic=self._monotonic,
            chance=self._chance,
            answered=self._answered,
        )

    def persist(self, call: Callable[[], _T]) -> _T:
        """What `call` gives, once it gives something other than StoreUnreachableError."""
        started_s, longest_s = self._monotonic(), _FIRST_S
        while True:
            try:
                given = call()
            except StoreUnreachableError:
                pause_s = self._chance() * longest_s
                late = self._monotonic() + pause_s - started_s > self._seconds
                if late or not self._answered.is_set():
                    raise
                self._sleep(pause_s)
                longest_s = min(_LONGEST_S, 2 * longest_s)
            except StoreError:
                self._answered.set()
                raise
            else:
                self._answered.set()
                return given


class Patient(Held):
    """A store whose calls are tried again while it does not answer.

    A put-if-absent that is tried again may meet its own earlier try and raise ObjectExistsError, as
    the port says: callers read back and compare nonces. `put_stream` cannot be tried again as a
    whole, because its pieces are gone: the store that is held repeats what it can. Clones are not
    tried again, as stores that clone are local.
    """

    def __init__(self, store: Store, patience: Patience) -> None:
        super().__init__(store)
        self._patience = patience

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self._patience.persist(lambda: self._store.put(key, data, if_absent=if_absent))

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        return self._patience.persist(lambda: self._store.get(key, start=start, length=length))

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port; a stream that breaks is continued where it broke."""
        stream: Iterator[bytes] | None = None
        come = 0

        def following() -> bytes | None:
            nonlocal stream
            left = None if length is None else length - come
            try:
                stream = stream or self._store.get_stream(key, start=start + come, length=left)
                return next(stream, None)
            except StoreUnreachableError:
                stream = None
                raise

        while (piece := self._patience.persist(following)) is not None:
            come += len(piece)
            yield piece

    def size(self, key: str) -> int:
        """See the port."""
        return self._patience.persist(lambda: self._store.size(key))

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port; a listing that breaks is continued after its last key."""
        stream: Iterator[Listed] | None = None
        last = after

        def following() -> Listed | None:
            nonlocal stream
            try:
                stream = stream or self._store.list(prefix, after=last)
                return next(stream, None)
            except StoreUnreachableError:
                stream = None
                raise

        while (listed := self._patience.persist(following)) is not None:
            last = listed.key
            yield listed

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        yield from self._patience.persist(lambda: tuple(self._store.folders(prefix)))

    def delete(self, key: str) -> None:
        """See the port."""
        self._patience.persist(lambda: self._store.delete(key))
