"""Trying again while a store does not answer: the one place where requests are repeated."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from cryoem_cloud.model.errors import (
    ArchivedError,
    CorruptObjectError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Classes, Kept
from cryoem_cloud.ports.parts import BrokenOffError, Buffer, Parts, SentPart, Take
from cryoem_cloud.ports.repeats import tell_repeat
from cryoem_cloud.ports.store import Listed, Store, Told
from cryoem_cloud.stores.held import Held, HeldClasses

__all__ = ["Patience", "Patient", "PatientParts"]

_T = TypeVar("_T")

_FIRST_S = 0.2
_LONGEST_S = 5.0
_PART_PATIENCE_S = 60.0
"""For a part of a large object: much would be lost with it."""


_AGAIN_IF_DAMAGED = 2


class Patience:
    """How long a call is tried again: full-jitter exponential back-off, `seconds` in all.

    A store that says for how long it wants to be left alone is left alone for that long, and the
    back-off is added, as all who were told so at once would come back at once. Who hears of repeats
    (`ports.repeats`) is told of each.
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
            except StoreUnreachableError as error:
                pause_s = error.after_s + self._chance() * longest_s
                late = self._monotonic() + pause_s - started_s > self._seconds
                if late or not self._answered.is_set():
                    raise
                tell_repeat()
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

    @property
    def parts(self) -> Parts | None:
        """The held store's, with a minute's patience for each call."""
        parts, patience = self._store.parts, self._patience.lasting(_PART_PATIENCE_S)
        return parts and PatientParts(parts, patience, self._store.size)

    @property
    def classes(self) -> Classes | None:
        """The held store's, whose calls are tried again too."""
        classes = self._store.classes
        return classes and _PatientClasses(classes, self._patience.lasting(_PART_PATIENCE_S))

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self._patience.persist(lambda: self._store.put(key, data, if_absent=if_absent))

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port; what came damaged is asked for again, as the network may have done it."""
        got = partial(self._store.get, key, start=start, length=length)
        for _ in range(_AGAIN_IF_DAMAGED):
            with suppress(CorruptObjectError):
                return self._patience.persist(got)
        return self._patience.persist(got)

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

    def told(self, key: str) -> Told:
        """See the port."""
        return self._patience.persist(lambda: self._store.told(key))

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


class _PatientClasses(HeldClasses):
    """Classes, each call about which is tried again while the store does not answer.

    A listing that breaks begins anew, and is held whole.
    """

    def __init__(self, classes: Classes, patience: Patience) -> None:
        super().__init__(classes)
        self._patience = patience

    def kept(self, key: str) -> Kept:
        """See the port."""
        return self._patience.persist(lambda: self._classes.kept(key))

    def list(self, prefix: str) -> Iterator[Kept]:
        """See the port."""
        yield from self._patience.persist(lambda: tuple(self._classes.list(prefix)))

    def move(self, key: str, to: StorageClass, *, tag: str) -> None:
        """See the port; an earlier try may have moved it already, and changed the tag by that."""
        lost = False

        def attempt() -> None:
            nonlocal lost
            try:
                self._classes.move(key, to, tag=tag)
            except StoreUnreachableError:
                lost = True
                raise

        try:
            self._patience.persist(attempt)
        except (ObjectExistsError, ArchivedError):
            if not lost or self.kept(key).word != to.value:
                raise

    def restore(self, key: str, *, days: int, bulk: bool) -> None:
        """See the port."""
        self._patience.persist(lambda: self._classes.restore(key, days=days, bulk=bulk))


class PatientParts:
    """Parts of objects, each call for which is tried again while the store does not answer.

    `size` tells an object's. A `begin` whose reply is lost leaves an upload without parts behind.
    """

    def __init__(self, parts: Parts, patience: Patience, size: Callable[[str], int]) -> None:
        self._parts = parts
        self._patience = patience
        self._size = size

    def begin(self, key: str) -> str:
        """See the port."""
        return self._patience.persist(lambda: self._parts.begin(key))

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """See the port."""
        return self._patience.persist(lambda: self._parts.send(key, upload, number, pieces))

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        """See the port."""
        return self._patience.persist(lambda: self._parts.there(key, upload))

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """See the port; an earlier try that was carried out, and whose reply was lost, counts."""
        lost = False

        def attempt() -> None:
            nonlocal lost
            try:
                self._parts.complete(key, upload, parts, if_absent=if_absent)
            except StoreUnreachableError:
                lost = True
                raise

        try:
            self._patience.persist(attempt)
        except ObjectMissingError:
            if not lost or self._patience.persist(lambda: self._size(key)) != _bytes_of(parts):
                raise
            if if_absent:
                raise ObjectExistsError(f"{key} exists already") from None

    def abort(self, key: str, upload: str) -> None:
        """See the port."""
        self._patience.persist(lambda: self._parts.abort(key, upload))

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        """See the port; what breaks off is continued where it did."""
        view, come = buffer.cast("B"), 0

        def once() -> None:
            if length is None:
                self._parts.read_into(key, start + come, view[come:])
            else:
                self._parts.read_into(key, start + come, view, length=length - come, take=take)

        def following() -> bool:
            nonlocal come
            try:
                once()
            except BrokenOffError as error:
                come += error.come
                if error.come:
                    return False
                raise
            return True

        while not self._patience.persist(following):
            pass


def _bytes_of(parts: Sequence[SentPart]) -> int:
    return sum(part.size for part in parts)
