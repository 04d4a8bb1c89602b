"""A look at a cache that another process may have open: nothing in it changes."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from cryoem_cloud.courier.known.tables import FEW_KEYS, VERSION, raw, text
from cryoem_cloud.model.file import Entry

__all__ = ["sizes_known"]


def sizes_known(file: Path, project: str, paths: Sequence[str]) -> dict[str, int]:
    """The sizes, in bytes, of those of the paths that the index named when it was last read there.

    Nothing is known of a cache that is missing, damaged, busy or of another version.
    """
    if not file.exists():
        return {}
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
            if db.execute("pragma user_version").fetchone() != (VERSION,):
                return {}
            return _sizes(db, project, paths)
    except (sqlite3.Error, OSError):
        return {}


def _sizes(db: sqlite3.Connection, project: str, paths: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    query = "select path, fields from entry where project = ? and path in "
    for start in range(0, len(paths), FEW_KEYS):
        some = [raw(path) for path in paths[start : start + FEW_KEYS]]
        for path, fields in db.execute(f"{query}({', '.join('?' * len(some))})", (project, *some)):
            found[text(path)] = Entry.from_json(json.loads(fields)).size
    return found
