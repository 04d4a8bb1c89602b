"""What this computer has read of a ledger: SQLite files that can be thrown away.

Records of a ledger are written once, so what was read of one need not be asked for again. Which
there are, the store is asked each time; so this changes how long a sum takes, and no sum.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from cryoem_cloud.ports.store import Listed

__all__ = ["Remembered"]

_LOG = logging.getLogger(__name__)

_VERSION = 1
_TABLE = """
create table if not exists record (key text primary key, sum blob, data blob) without rowid
"""
_SUM_BYTES = 16
_PATIENCE_S = 5.0
"""With another process that writes; then this one goes without."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A file for each project of a store below `folder` (None: nothing is remembered).

    What is lost, damaged, of another version or busy is as good as nothing, and is read anew.
    """

    folder: Path | None = None

    def records(self, url: str, project: str, items: Collection[Listed]) -> dict[str, bytes]:
        """Those of the records that were read before, by key, as they are stored."""
        sizes = {item.key: item.size for item in items}

        def whole(db: sqlite3.Connection) -> dict[str, bytes]:
            return {
                key: data
                for key, check, data in db.execute("select key, sum, data from record")
                if isinstance(data, bytes)
                and len(data) == sizes.get(key)
                and check == _sum(key, data)
            }

        return self._asked(url, project, whole) or {}

    def keep(
        self, url: str, project: str, new: Mapping[str, bytes], *, among: Collection[Listed]
    ) -> None:
        """Remember records that were just read, and none but those that are `among` these."""
        if not new:
            return
        rows = [(key, _sum(key, data), data) for key, data in new.items()]
        wanted = {item.key for item in among}

        def write(db: sqlite3.Connection) -> None:
            db.executemany("insert or replace into record values (?, ?, ?)", rows)
            there = [key for (key,) in db.execute("select key from record")]
            gone = [(key,) for key in there if key not in wanted]
            db.executemany("delete from record where key = ?", gone)

        self._asked(url, project, write)

    def _asked(self, url: str, project: str, ask: Callable[[sqlite3.Connection], T]) -> T | None:
        """What the project's file answers; None where there is none to be had."""
        if self.folder is None:
            return None
        name = blake2b(f"{url}\0{project}".encode(), digest_size=_SUM_BYTES).hexdigest()
        file = self.folder / f"{name}.sqlite"
        try:
            with _database(file) as db:
                return ask(db)
        except (OSError, sqlite3.Error) as error:
            _LOG.warning("%s does not serve, and the ledger is read anew: %s", file, error)
            if getattr(error, "sqlite_errorcode", 0) not in _BUSY:
                _remove(file)
            return None


@contextmanager
def _database(file: Path) -> Iterator[sqlite3.Connection]:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with closing(sqlite3.connect(file, timeout=_PATIENCE_S)) as db, db:
        db.execute("pragma synchronous = off")  # what is torn does not fit its sum
        (version,) = db.execute("pragma user_version").fetchone()
        if version not in {0, _VERSION}:
            db.execute("drop table if exists record")
        db.execute(_TABLE)
        db.execute(f"pragma user_version = {_VERSION}")
        yield db


def _sum(key: str, data: bytes) -> bytes:
    return blake2b(key.encode() + b"\0" + data, digest_size=_SUM_BYTES).digest()


def _remove(file: Path) -> None:
    for ending in ("", "-journal"):
        with suppress(OSError):
            file.with_name(file.name + ending).unlink(missing_ok=True)
