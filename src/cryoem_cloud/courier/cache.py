"""What a courier remembers: one SQLite file per host that can be thrown away.

It holds each project's index as far as it was read, digests of files by their stamps, how far each
machine's journal was followed, and what was delivered as which stamp.
"""

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryoem_cloud.model.errors import NoSpaceError
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry, Kind, Stamp
from cryoem_cloud.stores.index import IndexLog

__all__ = ["Cache", "Signs", "signs"]

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
"""
_VERSION = 1

_FIRST_ROWS, _MOST_ROWS = 16, 1000
"""Rows at a time while a folder is read: few at first, as they may lie in a folder below."""


Signs = tuple[int, ...]
"""Of a file that has not changed they are the same."""


def signs(stamp: Stamp, mode: int) -> Signs:
    """A file's size, time, inode and mode, as they are kept."""
    return stamp.size, _signed(stamp.mtime_ns), _signed(stamp.inode), mode


class Cache:
    """Safe for threads; one process at a time, the courier, should have it open.

    `news` counts what was read of indexes: while it stays, no answer about entries changes.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = file
        self._lock = threading.RLock()
        self._db = _opened(file)
        self._delivered: dict[tuple[str, int], dict[str, str]] = {}
        self.news = 0
        weakref.finalize(self, self._db.close)

    @contextmanager
    def _work(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._db:
                yield self._db
        except sqlite3.OperationalError as error:
            raise NoSpaceError(f"{self._file}: {error}", hint="free some space there") from error

    def refresh(self, index: IndexLog, project: str) -> None:
        """Read what the project's index says since the last time.

        A writing may be recorded twice, by a machine and by a courier, or because a reply was lost;
        it counts where it stands first, so that it cannot undo what was said in between.
        """
        with self._work() as db:
            row = db.execute("select number from read where project = ?", (project,)).fetchone()
        for recorded in index.read(after=row[0] if row else 0):
            with self._work() as db:
                origin = (project, recorded.origin)
                if db.execute("insert or ignore into origin values (?, ?)", origin).rowcount:
                    self.news += 1
                    for entry in recorded.entries:
                        _apply(db, project, entry)
                db.execute("insert or replace into read values (?, ?)", (project, recorded.number))

    def last_read(self, project: str) -> int:
        """The number of the last index record that was read."""
        with self._work() as db:
            row = db.execute("select number from read where project = ?", (project,)).fetchone()
        return int(row[0]) if row else 0

    def has_origin(self, project: str, origin: str) -> bool:
        """Whether the index, as far as it was read, has a record of that origin."""
        query = "select 1 from origin where project = ? and origin = ?"
        with self._work() as db:
            return db.execute(query, (project, origin)).fetchone() is not None

    def entry(self, project: str, path: str) -> Entry | None:
        """What the index says of a path."""
        query = "select fields from entry where project = ? and path = ?"
        with self._work() as db:
            row = db.execute(query, (project, _raw(path))).fetchone()
        return Entry.from_json(json.loads(row[0])) if row else None

    def files_below(self, project: str, folder: str) -> list[tuple[str, str]]:
        """The files that the index names in a folder and below it, in order, and their keys."""
        start = _raw(folder.rstrip("/") + "/")
        return self._files(project, start, _behind(start), limit=-1)

    def files_in(self, project: str, folder: str) -> Iterator[tuple[str, str]]:
        """The files that the index names in a folder itself, in order, and their keys.

        Reads what lies in the folder, and little of what lies below that.
        """
        start = _raw(folder.rstrip("/") + "/")
        at, end, limit = start, _behind(start), _FIRST_ROWS
        while rows := self._files(project, at, end, limit=limit):
            limit = min(2 * limit, _MOST_ROWS)
            for path, key in rows:
                name, inner, _ = _raw(path)[len(start) :].partition(b"/")
                if inner:
                    at, limit = _behind(start + name + inner), _FIRST_ROWS
                    break
                at = _raw(path) + b"\0"
                yield path, key

    def _files(
        self, project: str, start: bytes, end: bytes, *, limit: int
    ) -> list[tuple[str, str]]:
        query = (
            "select path, cast(json_extract(fields, '$.key') as blob) from entry"
            " where project = ? and path >= ? and path < ? and digest != '' order by path limit ?"
        )
        with self._work() as db:
            rows = db.execute(query, (project, start, end, limit)).fetchall()
        return [(_text(path), _text(key)) for path, key in rows]

    def content(self, project: str, digest: str) -> Content | None:
        """Where bytes with that digest lie already, under whatever path."""
        query = (  # by itself SQLite goes through all of the project's entries here
            "select fields from entry indexed by by_digest where project = ? and digest = ? limit 1"
        )
        with self._work() as db:
            row = db.execute(query, (project, digest)).fetchone()
        return Entry.from_json(json.loads(row[0])).content if row else None

    def may_have(self, project: str, size: int, beginning: Callable[[], str]) -> bool:
        """Whether bytes of that size may lie somewhere already, as far as their first block tells.

        `beginning` gives the digest of that block, for files of more; it is asked only if needed.
        """
        query = "select 1 from entry where project = ? and json_extract(fields, '$.size') = ?"
        first = " and json_extract(fields, '$.blocks.digests[0]') = ?"
        with self._work() as db:
            if db.execute(query + " limit 1", (project, size)).fetchone() is None:
                return False
        if size <= BLOCK_BYTES:
            return True
        block = beginning()
        with self._work() as db:
            row = db.execute(query + first + " limit 1", (project, size, block)).fetchone()
        return row is not None

    def digest(self, path: Path, stamp: Stamp) -> str | None:
        """The digest of a file that has not changed since `remember`."""
        query = "select content from digest where path = ? and (size, mtime_ns, inode) = (?, ?, ?)"
        key = (_raw(str(path)), stamp.size, _signed(stamp.mtime_ns), _signed(stamp.inode))
        with self._work() as db:
            row = db.execute(query, key).fetchone()
        return str(row[0]) if row else None

    def remember(self, path: Path, stamp: Stamp, digest: str) -> None:
        """Keep a file's digest."""
        row = (_raw(str(path)), stamp.size, _signed(stamp.mtime_ns), _signed(stamp.inode), digest)
        with self._work() as db:
            db.execute("insert or replace into digest values (?, ?, ?, ?, ?)", row)

    def standing(self, project: str, folder: str) -> Iterator[tuple[bytes, Signs]]:
        """The files of a folder that were as the index names them when they were last looked at.

        Their names, in order, and their `signs` then.
        """
        query = (
            "select name, size, mtime_ns, inode, mode from standing"
            " where project = ? and folder = ? and name > ? order by name limit ?"
        )
        after = b""
        while True:
            with self._work() as db:
                rows = db.execute(query, (project, _raw(folder), after, _MOST_ROWS)).fetchall()
            for name, *found in rows:
                yield name, tuple(found)
            if len(rows) < _MOST_ROWS:
                return
            after = rows[-1][0]

    def stand(self, project: str, files: Iterable[tuple[str, Stamp, int]]) -> None:
        """Keep that files are as the index names them: paths, stamps, modes."""
        rows = [(project, *_place(path), *signs(stamp, mode)) for path, stamp, mode in files]
        with self._work() as db:
            db.executemany("insert or replace into standing values (?, ?, ?, ?, ?, ?, ?)", rows)

    def page(self, project: str, job: int, machine: str) -> int:
        """The next page of a machine's journal to follow."""
        query = "select page from followed where (project, job, machine) = (?, ?, ?)"
        with self._work() as db:
            row = db.execute(query, (project, job, machine)).fetchone()
        return int(row[0]) if row else 1

    def followed(self, project: str, job: int, machine: str, page: int) -> None:
        """Keep that pages before `page` have been followed."""
        row = (project, job, machine, page)
        with self._work() as db:
            db.execute("insert or replace into followed values (?, ?, ?, ?)", row)

    def delivered(self, project: str, job: int) -> Mapping[str, str]:
        """The digests of what was delivered of a job, by path, also of what will be from now on."""
        if (project, job) not in self._delivered:
            query = "select path, digest from delivered where (project, job) = (?, ?)"
            with self._work() as db:
                rows = db.execute(query, (project, job)).fetchall()
            self._delivered[project, job] = {_text(path): digest for path, digest in rows}
        return self._delivered[project, job]

    def deliver(self, project: str, job: int, files: Iterable[tuple[str, str]]) -> None:
        """Keep that these paths were delivered with these digests."""
        marks = dict(files)
        rows = [(project, job, _raw(path), digest) for path, digest in marks.items()]
        with self._work() as db:
            db.executemany("insert or replace into delivered values (?, ?, ?, ?)", rows)
        if (project, job) in self._delivered:
            self._delivered[project, job].update(marks)

    def forget_job(self, project: str, job: int) -> None:
        """Keep nothing of a job that is home."""
        self._delivered.pop((project, job), None)
        with self._work() as db:
            for table in ("followed", "delivered"):
                db.execute(f"delete from {table} where (project, job) = (?, ?)", (project, job))  # noqa: S608  (two words of our own)


def _opened(file: Path) -> sqlite3.Connection:
    """The database; a file of another version, or a damaged one, is begun anew."""
    for again in (True, False):
        db = sqlite3.connect(file, check_same_thread=False)
        try:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = normal")
            version = db.execute("pragma user_version").fetchone()[0]
            if version in {0, _VERSION}:
                db.executescript(_TABLES)
                db.execute(f"pragma user_version = {_VERSION}")
                return db
        except sqlite3.DatabaseError:
            if not again:
                raise
        db.close()
        for ending in ("", "-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
    raise AssertionError(file)


def _apply(db: sqlite3.Connection, project: str, entry: Entry) -> None:
    where = "delete from standing where (project, folder, name) = (?, ?, ?)"
    db.execute(where, (project, *_place(entry.path)))
    if entry.kind is Kind.GONE:
        db.execute("delete from entry where (project, path) = (?, ?)", (project, _raw(entry.path)))
        return
    digest = entry.content.digest if entry.content else ""
    row = (project, _raw(entry.path), digest, json.dumps(entry.to_json()))
    db.execute("insert or replace into entry values (?, ?, ?, ?)", row)


def _behind(folder: bytes) -> bytes:
    """What sorts right behind all paths that start with a folder's, which ends with a slash."""
    return folder[:-1] + b"0"


def _signed(number: int) -> int:
    """64 bits as SQLite keeps them: times after 2262 and large inodes have the top bit."""
    return (number + 2**63) % 2**64 - 2**63


def _place(path: str) -> tuple[bytes, bytes]:
    """A path's folder ("." for the project's own) and name."""
    folder, _, name = _raw(path).rpartition(b"/")
    return folder or b".", name


def _raw(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
