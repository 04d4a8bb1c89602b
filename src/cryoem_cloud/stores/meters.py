"""Counts what is asked of a store, by project, job and month; and a store that has it counted."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from cryoem_cloud.model.usage import Asking
from cryoem_cloud.ports.meter import Asked, Meter
from cryoem_cloud.ports.store import Listed, Store, Told
from cryoem_cloud.stores.held import Held

__all__ = ["Cause", "Metered", "StoreMeter"]

_PIECE_BYTES = 16 * 1024 * 1024
"""What goes in one request; more goes in so many, and one each to begin and to end."""
_PAGE = 1000
"""Objects of a listing that come with one request."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Whose keys are asked for: a project, and in a month one of its jobs (0: it as a whole)."""

    project: str
    job: int
    month: str


class StoreMeter:
    """One store's, as this process asks it. `month` says which one it is, as 2026-11."""

    def __init__(self, month: Callable[[], str]) -> None:
        self._month = month
        self._lock = threading.Lock()
        self._sums: dict[Cause, Asking] = defaultdict(Asking)

    def asked(self, key: str, what: Asked, come: int = 0) -> None:
        """See the port; what no project has to do with is not counted."""
        project, job = _whose(key)
        if not project:
            return
        cause = Cause(project, job, self._month())
        with self._lock:
            self._sums[cause] = self._sums[cause].plus(what.value, come)

    def sums(self) -> Mapping[Cause, Asking]:
        """What was asked since this process began."""
        with self._lock:
            return dict(self._sums)


class Metered(Held):
    """A store whose own adapter tells no meter: calls are counted as requests.

    Those that were tried again below count once.
    """

    def __init__(self, store: Store, meter: Meter) -> None:
        super().__init__(store)
        self._meter = meter

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        """See the port."""
        self._meter.asked(key, Asked.WRITE)
        super().put(key, data, if_absent=if_absent)

    def put_stream(
        self, key: str, chunks: Iterable[bytes], *, size: int, if_absent: bool = False
    ) -> None:
        """See the port."""
        for _ in range(1 if size <= _PIECE_BYTES else 2 - -size // _PIECE_BYTES):
            self._meter.asked(key, Asked.WRITE)
        super().put_stream(key, chunks, size=size, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        """See the port."""
        data = super().get(key, start=start, length=length)
        self._meter.asked(key, Asked.READ, len(data))
        return data

    def get_stream(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """See the port."""
        come = 0
        try:
            for piece in super().get_stream(key, start=start, length=length):
                come += len(piece)
                yield piece
        finally:
            self._meter.asked(key, Asked.READ, come)

    def size(self, key: str) -> int:
        """See the port."""
        self._meter.asked(key, Asked.READ)
        return super().size(key)

    def told(self, key: str) -> Told:
        """See the port."""
        self._meter.asked(key, Asked.READ)
        return super().told(key)

    def list(self, prefix: str, *, after: str = "") -> Iterator[Listed]:
        """See the port."""
        for at, item in enumerate(super().list(prefix, after=after)):
            if at and at % _PAGE == 0:
                self._meter.asked(prefix, Asked.WRITE)
            yield item
        self._meter.asked(prefix, Asked.WRITE)

    def folders(self, prefix: str) -> Iterator[str]:
        """See the port."""
        self._meter.asked(prefix, Asked.WRITE)
        yield from super().folders(prefix)


def _whose(key: str) -> tuple[str, int]:
    """The project that a key, or the beginning of some, belongs to, and its job; 0 for none."""
    first, *rest = key.split("/")
    if first == "budgets" and rest:  # beside its project
        return rest[0], 0
    if not rest or first in {"ids", "decoder"} or first.startswith("@"):
        return "", 0
    of_job = len(rest) > 1 and rest[0] in {"jobs", "ledger"} and rest[1].isdecimal()
    return first, int(rest[1]) if of_job else 0
