"""Sending files and folders that the user names; what the store holds already is not sent."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryoem_cloud.cli.files.moving import Moved, Plan, requests_of
from cryoem_cloud.cli.standing import inside
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.scan import Scan
from cryoem_cloud.courier.sending.stale import STALE, stale_among
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.wiring.storage import prices_of
from cryoem_cloud.wiring.stores import store_at

__all__ = ["Pushing"]


@dataclass
class Pushing:
    """From looking to sending. With `checksum` every file is read, whatever its time says."""

    project: Project
    places: Places
    checksum: bool = False
    store: Store = field(init=False)
    scan: Scan = field(init=False)
    fresh: dict[str, int] = field(default_factory=dict)
    """The files that the store may not have, below the project's folder, and their bytes."""
    _began_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.store = store_at(self.project.store)
        cache = Cache(self.places.cache / "push.sqlite")  # the courier's is the courier's alone
        self.scan = Scan(self.project, cache, all_=self.checksum)

    def look(self, paths: Iterable[str]) -> None:
        """Find out which files the store may not have; one request, where nobody wrote the index.

        Raises:
            NotFoundError: There is nothing of that name.
            RefusedError: A path is no file or folder, or a folder cannot be read.
        """
        self.scan.cache.refresh(IndexLog(self.store, self.project.name), self.project.name)
        self.fresh = {file: size for path in paths for file, size in self._fresh(path)}
        for path in stale_among(self.fresh, self.project, self.scan.cache):
            del self.fresh[path]
            self.scan.odd[path] = STALE

    def _fresh(self, path: str) -> Iterator[tuple[str, int]]:
        named = inside(self.project, path)
        if not os.path.lexists(self.project.folder / named):
            raise NotFoundError(f"there is no {path}")
        yield from self.scan.fresh(named)
        if named in self.scan.odd:
            raise RefusedError(
                f"{path} is {self.scan.odd[named]}, so it cannot be sent",
                hint="name files and folders",
            )

    def plan(self) -> Plan:
        """What would be sent, at most."""
        size, requests = sum(self.fresh.values()), requests_of(self.fresh.values())
        costs = prices_of(self.store, self.places)
        return Plan(
            verb="sent",
            files=self.scan.files,
            size=self.scan.size,
            fresh=len(self.fresh),
            fresh_size=size,
            requests=requests,
            usd=costs.classes[StorageClass.STANDARD].writes_1000 * requests / 1000,
            usd_a_month=costs.month_usd(size),
        )

    def send(self, *, codec: str = "", rate: int = 0) -> Moved:
        """Send what the store does not have.

        Raises:
            What send_calmly raises.
        """
        raw, wire = 0, 0
        if self.fresh:
            from cryoem_cloud.cli.files.sending import send  # noqa: PLC0415  (much, often for nothing)

            raw, wire = send(self, codec=codec, rate=rate)
        return Moved(
            verb="sent",
            files=self.scan.files,
            size=self.scan.size,
            sent=raw,
            wire=wire or raw,
            seconds=time.monotonic() - self._began_s,
            left_out=self.scan.odd,
        )
