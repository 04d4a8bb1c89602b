"""What a courier remembers: one SQLite file per host that can be thrown away.

It holds each project's index as far as it was read, digests of files by their stamps, how far each
machine's journal was followed, and what was delivered as which stamp.
"""

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryoem_cloud.courier.known.tables import (
    FEW_KEYS,
    Signs,
    apply,
    behind,
    opened,
    place_of,
    raw,
    removed_of,
    signs,
    signs_of,
    text,
)
from cryoem_cloud.model.errors import NoSpaceError
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry, Stamp
from cryoem_cloud.stores.index import IndexLog, Recorded

__all__ = ["Cache"]

_FIRST_ROWS, _MOST_ROWS = 16, 1000
"""Rows at a time while a folder is read: few at first, as they may lie in a folder below."""


class Cache:
    """Safe for threads; one process at a time, the courier, should have it open.

    `news` counts what was read of indexes: while it stays, no answer about entries changes.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = file
        self._lock = threading.RLock()
        self._db = opened(file)
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

    def _among(
        self, query: str, first: tuple[str, ...], keys: Sequence[str | bytes]
    ) -> list[tuple[Any, ...]]:
        """The rows of a query that ends with "in", for the keys."""
        rows: list[tuple[Any, ...]] = []
        with self._work() as db:
            for start in range(0, len(keys), FEW_KEYS):
                some = keys[start : start + FEW_KEYS]
                marks = ", ".join("?" * len(some))
                rows += db.execute(f"{query}({marks})", (*first, *some)).fetchall()
        return rows

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
                    apply(db, project, recorded)
                db.execute("insert or replace into read values (?, ?)", (project, recorded.number))

    def written(self, index: IndexLog, project: str, recorded: Recorded) -> None:
        """Keep a record that was just written here, and what was written before it by others."""
        with self._work() as db:
            if self.last_read(project) == recorded.number - 1:
                origin = (project, recorded.origin)
                db.execute("insert or ignore into origin values (?, ?)", origin)
                self.news += 1
                apply(db, project, recorded)
                db.execute("insert or replace into read values (?, ?)", (project, recorded.number))
                return
        self.refresh(index, project)

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
            row = db.execute(query, (project, raw(path))).fetchone()
        return Entry.from_json(json.loads(row[0])) if row else None

    def entries(self, project: str, paths: Sequence[str]) -> dict[str, Entry]:
        """What the index says of those of the paths that it names."""
        query = "select path, fields from entry where project = ? and path in "
        rows = self._among(query, (project,), [raw(path) for path in paths])
        return {text(path): Entry.from_json(json.loads(fields)) for path, fields in rows}

    def older(self, project: str, paths: Sequence[str]) -> dict[str, list[tuple[int, int, str]]]:
        """What the index said of those of the paths before: sizes, times as kept, digests.

        Its present word on a path is none of them; of what it does not name there are none.
        """
        query = (
            "select older.path, size, mtime_ns, older.digest from older"
            " join entry on (entry.project, entry.path) = (older.project, older.path)"
            " where older.project = ? and older.path in "
        )
        found: dict[str, list[tuple[int, int, str]]] = {}
        for path, *words in self._among(query, (project,), [raw(path) for path in paths]):
            found.setdefault(text(path), []).append((words[0], words[1], words[2]))
        return found

    def files_below(self, project: str, folder: str) -> list[tuple[str, str]]:
        """The files that the index names in a folder and below it, in order, and their keys."""
        start = raw(folder.rstrip("/") + "/")
        return self._files(project, start, behind(start), limit=-1)

    def files_in(self, project: str, folder: str) -> Iterator[tuple[str, str]]:
        """The files that the index names in a folder itself, in order, and their keys.

        Reads what lies in the folder, and little of what lies below that.
        """
        start = raw(folder.rstrip("/") + "/")
        at, end, limit = start, behind(start), _FIRST_ROWS
        while rows := self._files(project, at, end, limit=limit):
            limit = min(2 * limit, _MOST_ROWS)
            for path, key in rows:
                name, inner, _ = raw(path)[len(start) :].partition(b"/")
                if inner:
                    at, limit = behind(start + name + inner), _FIRST_ROWS
                    break
                at = raw(path) + b"\0"
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
        return [(text(path), text(key)) for path, key in rows]

    def content(self, project: str, digest: str) -> Content | None:
        """Where bytes with that digest lie already, under whatever path."""
        query = (  # by itself SQLite goes through all of the project's entries here
            "select fields from entry indexed by by_digest where project = ? and digest = ? limit 1"
        )
        with self._work() as db:
            row = db.execute(query, (project, digest)).fetchone()
        return Entry.from_json(json.loads(row[0])).content if row else None

    def contents(self, project: str, digests: Sequence[str]) -> dict[str, Content]:
        """Where bytes with those digests lie already, of those that are there."""
        query = (
            "select digest, fields from entry indexed by by_digest where project = ? and digest in "
        )
        found = self._among(query, (project,), digests)
        entries = {digest: Entry.from_json(json.loads(fields)) for digest, fields in found}
        return {digest: entry.content for digest, entry in entries.items() if entry.content}

    def removed(self, project: str, entries: Iterable[Entry]) -> set[str]:
        """The paths of those of the entries whose objects were removed."""
        found = list(entries)
        with self._work() as db:
            keys = removed_of(db, project, found)
        return {entry.path for entry in found if entry.content and entry.content.key in keys}

    def was_removed(self, project: str, key: str) -> bool:
        """Whether the object of a key was removed, or a version of it."""
        query = "select 1 from removed where project = ? and (key = ? or key between ? and ?)"
        versions = raw(key + "~")
        with self._work() as db:
            row = db.execute(query, (project, raw(key), versions, versions + b"\xff")).fetchone()
        return row is not None

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

    def digests(self, files: Sequence[tuple[Path, Stamp]]) -> dict[Path, str]:
        """The digests of those of the files that have not changed since `remember`."""
        query = "select path, size, mtime_ns, inode, content from digest where path in "
        rows = self._among(query, (), [raw(str(path)) for path, _ in files])
        known = {(path, *signs_): content for path, *signs_, content in rows}
        found = {path: known.get((raw(str(path)), *signs_of(stamp))) for path, stamp in files}
        return {path: digest for path, digest in found.items() if digest}

    def remember(self, files: Iterable[tuple[Path, Stamp, str]]) -> None:
        """Keep files' digests."""
        rows = [(raw(str(path)), *signs_of(stamp), digest) for path, stamp, digest in files]
        with self._work() as db:
            db.executemany("insert or replace into digest values (?, ?, ?, ?, ?)", rows)

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
                rows = db.execute(query, (project, raw(folder), after, _MOST_ROWS)).fetchall()
            for name, *found in rows:
                yield name, tuple(found)
            if len(rows) < _MOST_ROWS:
                return
            after = rows[-1][0]

    def stand(self, project: str, files: Iterable[tuple[str, Stamp, int]]) -> None:
        """Keep that files are as the index names them: paths, stamps, modes."""
        rows = [(project, *place_of(path), *signs(stamp, mode)) for path, stamp, mode in files]
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
            self._delivered[project, job] = {text(path): digest for path, digest in rows}
        return self._delivered[project, job]

    def deliver(self, project: str, job: int, files: Iterable[tuple[str, str]]) -> None:
        """Keep that these paths were delivered with these digests."""
        marks = dict(files)
        rows = [(project, job, raw(path), digest) for path, digest in marks.items()]
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
