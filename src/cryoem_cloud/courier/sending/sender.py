"""Sends what a job needs where there is room for it, and shows how far that is, until halted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.courier.halting import Halting
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.projects import folder_of
from cryoem_cloud.courier.sending.upload import Upload
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Sender"]

_SLOW_BYTES = 256 * 1024 * 1024
"""At 100 Mbit/s they take 20 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends inputs of one job; `engine` moves the bytes, and `halting` is asked meanwhile."""

    records: JobRecords
    project: Project
    cache: Cache
    settings: Settings
    desk: CardDesk
    halting: Halting
    engine: Engine

    def missing_bytes(self, needs: Sequence[Need]) -> int:
        """An upper bound of what must be sent, in bytes."""
        return self._upload().missing_bytes(needs)

    def slow(self, needs: tuple[Need, ...]) -> bool:
        """Whether sending takes so long that a machine had better begin before it is over."""
        local = self.records.store.properties.local
        return not local and self.missing_bytes(needs) >= _SLOW_BYTES

    def sent(self, needs: Sequence[Need]) -> tuple[Entry, ...]:
        """The needs as entries, their bytes in the store."""
        size = self.missing_bytes(needs)
        self.desk.phase(
            Phase.SENDING, f"{counted(len(needs), 'file')}, at most {human_size(size)} to send"
        )
        return self.sent_quietly(needs)

    def sent_quietly(self, needs: Sequence[Need]) -> tuple[Entry, ...]:
        """As `sent`, while the job's machines may have something to say."""
        size = self.missing_bytes(needs)
        self._require_space(size)
        self.desk.to_send(size)
        return self._upload().entries(f"inputs of job {self.records.number}", needs)

    def _upload(self) -> Upload:
        return Upload(
            store=self.records.store,
            project=self.project,
            cache=self.cache,
            by_reference=self._by_reference(),
            moved=self._moved,
            engine=self.engine,
        )

    def _moved(self, size: int) -> None:
        self.desk.up(size)
        self.halting.check()

    def _by_reference(self) -> bool:
        return self.settings.inputs == "reference" and self.records.store.properties.local

    def _require_space(self, size: int) -> None:
        if self.records.store.properties.local and not self._by_reference():
            folder: Path = folder_of(self.project.store)
            require_space(folder, size, purpose="sending the inputs")
