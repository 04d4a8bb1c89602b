"""Sending files and folders that the user names; what the store holds already is not sent."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryoem_cloud.cli.moving import Moved, Plan, Tally, requests_of
from cryoem_cloud.cli.progress import moving
from cryoem_cloud.cli.submitting import inside
from cryoem_cloud.courier.cache import Cache
from cryoem_cloud.courier.calm import send_calmly
from cryoem_cloud.courier.needed import without_doubles
from cryoem_cloud.courier.scan import Scan
from cryoem_cloud.courier.upload import Upload
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.tidy import tidy
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places, Settings, environment
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.projects import make_known
from cryoem_cloud.wiring.engines import sending
from cryoem_cloud.wiring.front import store_at

__all__ = ["Pushing"]


@dataclass
class Pushing:
    """From looking to sending. With `checksum` every file is read, whatever its time says."""

    project: Project
    places: Places
    checksum: bool = False
    store: Store = field(init=False)
    scan: Scan = field(init=False)
    _needs: tuple[Need, ...] = ()
    _sizes: tuple[int, ...] = ()
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
        fresh = (file for path in paths for file in self._fresh(path))
        self._needs = without_doubles(Need(path=file, asked_by="push") for file in fresh)
        folder = self.project.folder
        self._sizes = tuple((folder / need.path).stat().st_size for need in self._needs)

    def _fresh(self, path: str) -> Iterator[str]:
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
        size, requests = sum(self._sizes), requests_of(self._sizes)
        costs = self.store.properties
        return Plan(
            verb="sent",
            files=self.scan.files,
            size=self.scan.size,
            fresh=len(self._needs),
            fresh_size=size,
            requests=requests,
            usd=costs.write_usd_per_1000 * requests / 1000,
            usd_a_month=costs.storage_usd_per_gb * size / 10**9,
        )

    def send(self, *, codec: str = "", rate: int = 0) -> Moved:
        """Send what the store does not have.

        Raises:
            What send_calmly raises.
        """
        tally, wire = Tally(), 0
        if self._needs:
            make_known(self.store, self.project)
            settings = Settings.read(self.places, self.project.folder, environment())
            with (
                moving("sending", sum(self._sizes)) as moved,
                sending(self.places, settings, codec=codec, rate=rate) as engine,
            ):
                upload = Upload(
                    store=self.store,
                    project=self.project,
                    cache=self.scan.cache,
                    by_reference=False,
                    moved=tally.counting(moved),
                    engine=engine,
                    distrust=self.checksum,
                    alive=True,
                    left_out=self.scan.odd,
                )
                send_calmly(upload, "push", self._needs)
                wire = engine.wire_bytes
                if engine.journals is not None:
                    tidy(self.store, engine.journals)
        return Moved(
            verb="sent",
            files=self.scan.files,
            size=self.scan.size,
            sent=tally.raw,
            wire=wire or tally.raw,
            seconds=time.monotonic() - self._began_s,
            left_out=self.scan.odd,
        )
