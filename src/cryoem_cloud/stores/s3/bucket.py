"""Requests to a bucket over connections of our own; each is made once."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.ports.meter import UNMETERED, Asked, Meter
from cryoem_cloud.ports.parts import Buffer
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.s3.faults import (
    FAILURES,
    Failure,
    RefusedError,
    is_elsewhere,
    is_stale,
    translated,
)
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.place import Place, Question, moved, place_of
from cryoem_cloud.stores.s3.wire import Answer

__all__ = ["Bucket", "require_from"]

_NOT_PAID = HTTPStatus.INTERNAL_SERVER_ERROR
"""From here on an answer is the server's fault, for which S3 asks nothing."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/")


class Bucket:
    """A bucket's objects whose keys begin with `prefix`, as errors call them by `url`."""

    def __init__(
        self, name: str, prefix: str, *, access: Access, url: str, meter: Meter = UNMETERED
    ) -> None:
        self.name = name
        self.prefix = prefix
        self.access = access
        self.url = url
        self.is_there = False
        """Whether it has done what it was asked."""
        self._meter = meter
        self._lock = threading.Lock()
        self._found: Place | None = None

    @contextmanager
    def ask(
        self,
        method: str,
        key: str | None,
        query: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        pieces: Sequence[Buffer] = (),
        signed: bytes = b"",
        below: str = "",
    ) -> Iterator[Answer]:
        """One request, or two where we had to look again who we are, or where the bucket is.

        It is about the object of that key, or about those in the bucket whose keys begin with
        `below`.
        """
        about, what = below if key is None else key, _asked(method, key, query)
        question = Question(
            method=method,
            key="" if key is None else lawful(key, prefix=self.prefix),
            query=query,
            headers=headers or {},
            pieces=pieces,
            signed=signed,
        )

        with self.translated(key), ExitStack() as stack:
            place = self._place()
            try:
                answer = stack.enter_context(place.asked(question))
            except FAILURES as error:
                if isinstance(error, RefusedError) and error.status < _NOT_PAID:
                    self._meter.asked(about, what)
                other = self._instead_of(place, error)
                if other is None:
                    raise
                answer = stack.enter_context(other.asked(question))
            self.is_there = True
            try:
                yield answer
            finally:
                self._meter.asked(about, what, answer.come)

    def _place(self) -> Place:
        identity = self.access.identity()
        with self._lock:
            if self._found is None or self._found.identity is not identity:
                self._found = place_of(identity, self.name)
            return self._found

    def _instead_of(self, place: Place, error: Failure) -> Place | None:
        """Where and as whom to ask once more; None if that could not help."""
        if is_stale(error):
            self.access.renewed(place.identity)
            return self._place()
        if not is_elsewhere(error) or not (other := moved(place, self.name)):
            return None
        with self._lock:
            if self._found is place:
                self._found = other
        return other

    @contextmanager
    def translated(self, key: str | None) -> Iterator[None]:
        """Our errors for what goes wrong in the block, which is about that key, or about all."""
        try:
            yield
        except FAILURES as error:
            what = self.url if key is None else f"{self.url}: {key}"
            raise translated(error, what=what) from error


def _asked(method: str, key: str | None, query: str) -> Asked:
    """As S3's price list has it: what lists costs as much as what writes."""
    if method == "DELETE":
        return Asked.FREE
    if query == "restore=":
        return Asked.RESTORE
    reads = method in {"GET", "HEAD"} and key is not None and not query
    return Asked.READ if reads else Asked.WRITE


def require_from(answer: Answer, start: int, *, what: str) -> None:
    """That the body begins with the byte that was asked for.

    Raises:
        StoreError: It does not.
    """
    said = _RANGE.match(answer.headers.get("content-range", "bytes 0-0/"))
    if not said or int(said[1]) != start:
        raise StoreError(f"{what}: the store gives another range than was asked for")
