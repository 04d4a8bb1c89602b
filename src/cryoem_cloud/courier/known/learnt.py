"""What this computer remembers of how long finished jobs took, for plans without network."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.errors import CryoemError, FormatError
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.model.record import decode, encode, mapping
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.measured import measured_in

__all__ = ["Learnt"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Learnt:
    """A file for each project below `folder`, which can be thrown away (None: none is kept)."""

    folder: Path | None = None

    def known(self, project: str) -> tuple[Measured, ...]:
        """What was read last; no network."""
        found = (_record(data) for data in self._read(project).values())
        return tuple(each for each in found if each is not None)

    def refreshed(self, store: Store, project: str) -> tuple[Measured, ...]:
        """What the store has now, each record read once; what is known where it does not tell."""
        known = self._read(project)
        try:
            new = measured_in(store, project, known=known)
        except CryoemError as error:
            _LOG.warning("what was learnt of %s is of an earlier day: %s", project, error)
            return self.known(project)
        if not new:
            return self.known(project)
        texts = {key: _text(each) for key, each in new.items()}
        if self.folder is not None:
            data = encode("learnt", {"records": {**known, **texts}})
            write_whole(self._file(self.folder, project), data)
        found = (_record(data) for data in {**known, **texts}.values())
        return tuple(each for each in found if each is not None)

    def _read(self, project: str) -> dict[str, str]:
        """The records as they are stored, by key; of one that cannot be read, nothing."""
        if self.folder is None:
            return {}
        try:
            found = mapping(
                decode("learnt", self._file(self.folder, project).read_bytes()), "records"
            )
        except (OSError, FormatError):  # there is none yet, or it is damaged: it is made again
            return {}
        return {key: str(value) for key, value in found.items()}

    @staticmethod
    def _file(folder: Path, project: str) -> Path:
        return folder / f"{project}.json"


def _text(measured: Measured | None) -> str:
    return measured.to_bytes().decode() if measured else json.dumps(None)


def _record(data: str) -> Measured | None:
    try:
        return Measured.from_bytes(data.encode(errors="replace"))
    except FormatError:
        return None
