"""The cache's tables, and how values of ours stand in their rows."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cryoem_cloud.model.file import Entry, Kind, Stamp
from cryoem_cloud.model.lastwords import folders_of
from cryoem_cloud.stores.index import Recorded

__all__ = [
    "FEW_KEYS",
    "VERSION",
    "Signs",
    "apply",
    "behind",
    "opened",
    "place_of",
    "raw",
    "removed_of",
    "signs",
    "signs_of",
    "text",
]

FEW_KEYS = 500
"""In one query; SQLite takes 999 or more."""

_TABLES = """
create table if not exists read (project text primary key, number int) without rowid;
create table if not exists origin (project text, origin text, primary key (project, origin))
    without rowid;
create table if not exists entry (project text, path blob, digest text, fields text,
    primary key (project, path)) without rowid;
create index if not exists by_digest on entry (project, digest);
create index if not exists by_beginning on entry (project, json_extract(fields, '$.size'),
    json_extract(fields, '$.blocks.digests[0]'));
create table if not exists digest (path blob primary key, size int, mtime_ns int, inode int,
    content text) without rowid;
create table if not exists followed (project text, job int, machine text, page int,
    primary key (project, job, machine)) without rowid;
create table if not exists delivered (project text, job int, path blob, digest text,
    primary key (project, job, path)) without rowid;
create table if not exists standing (project text, folder blob, name blob, size int, mtime_ns int,
    inode int, mode int, primary key (project, folder, name)) without rowid;
create table if not exists older (project text, path blob, size int, mtime_ns int, digest text,
    primary key (project, path, mtime_ns, digest)) without rowid;
create table if not exists removed (project text, key blob, primary key (project, key))
    without rowid;
"""
VERSION = 3
"""Before 2, what was a file and then a folder was both; before 3, nothing was known as removed, nor
what had been said of a path before."""
_OLDER = """
insert or ignore into older
    select project, path, json_extract(fields, '$.size'), json_extract(fields, '$.mtime_ns'), digest
    from entry where (project, path) = (?, ?) and digest not in ('', ?)
"""

Signs = tuple[int, ...]
"""Of a file that has not changed they are the same."""


def signs(stamp: Stamp, mode: int) -> Signs:
    """A file's size, time, inode and mode, as they are kept."""
    return *signs_of(stamp), mode


def signs_of(stamp: Stamp) -> Signs:
    """The same without its mode."""
    return stamp.size, _signed(stamp.mtime_ns), _signed(stamp.inode)


def opened(file: Path) -> sqlite3.Connection:
    """The database; a file of another version, or a damaged one, is begun anew."""
    for again in (True, False):
        db = sqlite3.connect(file, check_same_thread=False)
        try:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            version = db.execute("pragma user_version").fetchone()[0]
            if version in {0, VERSION}:
                db.executescript(_TABLES)
                db.execute(f"pragma user_version = {VERSION}")
                return db
        except sqlite3.DatabaseError:
            if not again:
                raise
        db.close()
        for ending in ("", "-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
    raise AssertionError(file)


def apply(db: sqlite3.Connection, project: str, recorded: Recorded) -> None:
    """Keep what a record says; of several words on a path, the last.

    What was removed by a record before holds no file.
    """
    removed = removed_of(db, project, recorded.entries)
    last = {
        entry.path: entry
        for entry in recorded.entries
        if not (entry.content and entry.content.key in removed)
    }
    _keep(db, project, last)
    if recorded.removed:
        _remove(db, project, recorded.removed)


def _remove(db: sqlite3.Connection, project: str, keys: Iterable[str]) -> None:
    rows = [(project, raw(key)) for key in keys]
    db.executemany("insert or ignore into removed values (?, ?)", rows)
    found = db.execute(
        "select path from entry join removed on removed.project = entry.project"
        " and removed.key = cast(json_extract(fields, '$.key') as blob) where entry.project = ?",
        (project,),
    ).fetchall()
    paths = [text(path) for (path,) in found]
    _keep(db, project, {path: Entry(path=path, kind=Kind.GONE) for path in paths})


def removed_of(db: sqlite3.Connection, project: str, entries: Iterable[Entry]) -> set[str]:
    """Those of the entries' keys that were removed."""
    keys = sorted({raw(entry.content.key) for entry in entries if entry.content})
    query, found = "select key from removed where project = ? and key in ", set[str]()
    for start in range(0, len(keys), FEW_KEYS):
        some = keys[start : start + FEW_KEYS]
        marks = ", ".join("?" * len(some))
        found.update(text(key) for (key,) in db.execute(f"{query}({marks})", (project, *some)))
    return found


def _keep(db: sqlite3.Connection, project: str, last: Mapping[str, Entry]) -> None:
    db.executemany(
        "delete from standing where (project, folder, name) = (?, ?, ?)",
        [(project, *place_of(path)) for path in last],
    )
    gone = [(project, raw(path)) for path, entry in last.items() if entry.kind is Kind.GONE]
    db.executemany("delete from entry where (project, path) = (?, ?)", gone)
    _drop_clashing(db, project, [entry for entry in last.values() if entry.kind is not Kind.GONE])
    rows = [
        (
            project,
            raw(path),
            entry.content.digest if entry.content else "",
            json.dumps(entry.to_json()),
        )
        for path, entry in last.items()
        if entry.kind is not Kind.GONE
    ]
    words = [(project, path, digest) for _, path, digest, _ in rows if digest]
    db.executemany(_OLDER, words)
    db.executemany("delete from older where (project, path, digest) = (?, ?, ?)", words)
    db.executemany("insert or replace into entry values (?, ?, ?, ?)", rows)


def _drop_clashing(db: sqlite3.Connection, project: str, entries: Sequence[Entry]) -> None:
    """Keep nothing of files whose paths are folders' now, nor of what lay below a file's path."""
    folders = {folder for entry in entries for folder in folders_of(entry.path)}
    db.executemany(
        "delete from entry where (project, path) = (?, ?) and digest != ''",
        [(project, raw(folder)) for folder in folders],
    )
    db.executemany(
        "delete from standing where (project, folder, name) = (?, ?, ?)",
        [(project, *place_of(folder)) for folder in folders],
    )
    starts = [raw(entry.path + "/") for entry in entries if entry.kind is Kind.FILE]
    ranges = [(project, start, behind(start)) for start in starts]
    below = "delete from entry where project = ? and path >= ? and path < ?"
    if db.executemany(below, ranges).rowcount:
        db.executemany(
            "delete from standing where (project, folder) = (?, ?)",
            [(project, start[:-1]) for start in starts],
        )
        below = "delete from standing where project = ? and folder >= ? and folder < ?"
        db.executemany(below, ranges)


def behind(folder: bytes) -> bytes:
    """What sorts right behind all paths that start with a folder's, which ends with a slash."""
    return folder[:-1] + b"0"


def _signed(number: int) -> int:
    """64 bits as SQLite keeps them: times after 2262 and large inodes have the top bit."""
    return (number + 2**63) % 2**64 - 2**63


def place_of(path: str) -> tuple[bytes, bytes]:
    """A path's folder ("." for the project's own) and name."""
    folder, _, name = raw(path).rpartition(b"/")
    return folder or b".", name


def raw(path: str) -> bytes:
    """A path as it is kept: any bytes may be in a name."""
    return path.encode("utf-8", "surrogateescape")


def text(path: bytes) -> str:
    """A path as it was kept."""
    return path.decode("utf-8", "surrogateescape")
