"""From objects to files: verified on every read, beside and then renamed."""

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryoem_cloud.model.digest import Digester, is_digest_of
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    CryoemError,
    FormatError,
    NoSpaceError,
    ObjectMissingError,
    RefusedError,
)
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Entry
from cryoem_cloud.mover.archived import naming_archived
from cryoem_cloud.mover.beside import hold, part_of
from cryoem_cloud.mover.engine import FETCH_BYTES, Engine, engine_or_new
from cryoem_cloud.mover.fetch import (
    DAMAGED,
    again_if_damaged,
    comes_in_blocks,
    decoded,
    fetch_blocks,
    require_readable,
)
from cryoem_cloud.mover.holes import write_at
from cryoem_cloud.mover.stamp import stamp_of
from cryoem_cloud.ports.store import Store

__all__ = ["fetch_bytes", "fetch_files", "place_bytes", "place_file"]

_BUNDLE_BYTES = 32 * 1024 * 1024
"""Small files in one object are fetched in one request as long as their span is below this."""

_NOT_WHOLE = (CorruptObjectError, ObjectMissingError)

Damaged = Callable[[Entry, CryoemError], None]
Moved = Callable[[int], None]


def fetch_bytes(store: Store, project: str, content: Content) -> bytes:
    """A small file's bytes.

    Raises:
        CorruptObjectError: They are not those that the digest promises.
    """
    _require_here(content)
    data = store.get(f"{project}/{content.key}", start=content.start, length=content.stored)
    return _raw(data, content)


def place_bytes(data: bytes, entry: Entry, path: Path, *, moved: Moved = lambda _: None) -> None:
    """Make `path` a file of what is stored of an entry, verified, with its mode and time.

    Its folder must be there. `moved` is called once the bytes lie beside `path`: where it raises,
    `path` is as before.
    """
    if entry.content is None:
        raise FormatError(f"{entry.path} is no file")
    require_readable(entry.content)
    data = _raw(data, entry.content)
    with _beside(path) as beside:
        beside.write_bytes(data)
        moved(entry.size)
        _settle(beside, entry, path)


def place_file(
    store: Store,
    project: str,
    entry: Entry,
    path: Path,
    *,
    moved: Moved = lambda _: None,
    engine: Engine | None = None,
) -> None:
    """Make `path` the entry's file: bytes verified, mode and time set, whole or not at all.

    Its folder must be there. `engine` is what all files share that are fetched at a time.

    Raises:
        CorruptObjectError: The bytes are not those that the digest promises; `path` is as before.
        NoSpaceError: The disk is full; `path` is as before.
        ArchivedError: The bytes must be restored first; `path` is as before.
    """
    content = entry.content
    if content is None:
        raise FormatError(f"{entry.path} is no file")
    if content.reference:
        _refer(content, entry, path)
        return
    _require_here(content)
    with naming_archived(entry.path), _beside(path) as beside:
        key = f"{project}/{content.key}"
        alone = content.start == 0 and store.properties.clones
        whole = alone and store.size(key) == content.stored  # not the first of a bundle
        if comes_in_blocks(store, content):
            with engine_or_new(engine, FETCH_BYTES) as used:
                fetch_blocks(used, store, project, content, beside=beside, moved=moved)
        elif not (whole and store.clone_out(key, beside)):
            with nullcontext() if engine is None else engine.stream(content.stored):
                chunks = partial(store.get_stream, key, start=content.start, length=content.stored)
                again_if_damaged(partial(_write, chunks, content, beside, moved))
        else:
            _check_clone(beside, content, moved)
        _settle(beside, entry, path)


def fetch_files(
    store: Store,
    project: str,
    wanted: Iterable[tuple[Entry, Path]],
    *,
    streams: int = 8,
    moved: Moved = lambda _: None,
    make_folders: bool = True,
    engine: Engine | None = None,
    damaged: Damaged | None = None,
) -> None:
    """Place many files; small ones that lie in one object come by one request.

    Without `make_folders` the files' folders must be there. `damaged`, if given, is told of files
    of which the store has other bytes than were stored, or none; all others are placed.

    Raises:
        What `place_file` raises, for the first file that fails; others may have been placed.
    """
    together: dict[str, list[tuple[Entry, Path]]] = defaultdict(list)
    for entry, path in wanted:
        if make_folders:
            path.parent.mkdir(parents=True, exist_ok=True)
        together[entry.content.key if entry.content else ""].append((entry, path))

    with (
        engine_or_new(engine, FETCH_BYTES) as used,
        ThreadPoolExecutor(max_workers=streams) as pool,
        used.ending_with_the_program(),
    ):
        placing = _Placing(store, project, moved, used, damaged)
        for _ in pool.map(placing.place, together.values()):
            pass


def _batches(group: list[tuple[Entry, Path]]) -> Iterator[list[tuple[Entry, Path]]]:
    """Neighbours whose common span is small enough; large files alone."""
    group = sorted(group, key=lambda item: item[0].content.start if item[0].content else 0)
    batch: list[tuple[Entry, Path]] = []
    for item in group:
        too_far = bool(batch) and _end(item) - _start(batch[0]) > _BUNDLE_BYTES
        if batch and (too_far or max(item[0].size, batch[0][0].size) > BLOCK_BYTES):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _start(item: tuple[Entry, Path]) -> int:
    return item[0].content.start if item[0].content else 0


def _end(item: tuple[Entry, Path]) -> int:
    return item[0].content.start + item[0].content.stored if item[0].content else 0


@dataclass(frozen=True, slots=True)
class _Placing:
    store: Store
    project: str
    moved: Moved
    engine: Engine
    damaged: Damaged | None

    def place(self, group: list[tuple[Entry, Path]]) -> None:
        """Place files that lie in one object."""
        for batch in _batches(group):
            self._place(batch)

    def _place(self, batch: Sequence[tuple[Entry, Path]]) -> None:
        first = batch[0][0].content
        if len(batch) == 1 or first is None or first.reference:
            for entry, path in batch:
                self._place_one(entry, path)
            return
        start = _start(batch[0])
        length = max(map(_end, batch)) - start
        try:
            with self.engine.stream(length), naming_archived(batch[0][0].path):
                data = self.store.get(f"{self.project}/{first.key}", start=start, length=length)
        except _NOT_WHOLE as error:
            for entry, _ in batch:
                self._tell(entry, error)
            return
        for entry, path in batch:
            piece = data[_start((entry, path)) - start : _end((entry, path)) - start]
            try:
                place_bytes(piece, entry, path, moved=self.moved)
            except CorruptObjectError:  # the network may have done it
                self._place([(entry, path)])

    def _place_one(self, entry: Entry, path: Path) -> None:
        store, project = self.store, self.project
        try:
            place_file(store, project, entry, path, moved=self.moved, engine=self.engine)
        except _NOT_WHOLE as error:
            self._tell(entry, error)

    def _tell(self, entry: Entry, error: CryoemError) -> None:
        if self.damaged is None:
            raise error
        self.damaged(entry, error)


def _refer(content: Content, entry: Entry, path: Path) -> None:
    """Make `path` a link to the input where it lies; only on the submitter's own computer."""
    source = Path(content.key)
    found = stamp_of(source)
    if (found.size, found.mtime_ns) != (content.size, entry.mtime_ns):
        raise CorruptObjectError(
            f"{source} is read where it lies, and has changed since the job was submitted",
            hint='submit again, or set inputs = "copy"',
        )
    path.unlink(missing_ok=True)
    path.symlink_to(source)


def _write(
    chunks: Callable[[], Iterable[bytes]], content: Content, beside: Path, moved: Moved
) -> None:
    digester = Digester(like=content.digest)
    with beside.open("wb", buffering=0) as file:
        hold(file.fileno())
        file.truncate(content.size)
        for chunk in chunks():
            write_at(file.fileno(), digester.size, memoryview(chunk), holes=True)
            digester.update(chunk)
            moved(len(chunk))
    if not digester.matches(content.digest):
        moved(-digester.size)
    _require_digest(digester.matches(content.digest), content)


def _check_clone(beside: Path, content: Content, moved: Moved) -> None:
    digester = Digester(like=content.digest)
    with beside.open("r+b", buffering=0) as file:
        hold(file.fileno())
        while chunk := file.read(1 << 22):
            digester.update(chunk)
            moved(len(chunk))
    _require_digest(digester.matches(content.digest), content)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    beside = part_of(path)
    try:
        yield beside
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpaceError(f"{path.parent} is full", hint="free some space there") from error
        raise
    finally:
        beside.unlink(missing_ok=True)


def _settle(beside: Path, entry: Entry, path: Path) -> None:
    beside.chmod(entry.mode)
    os.utime(beside, ns=(entry.mtime_ns, entry.mtime_ns))
    beside.replace(path)


def _verified(data: bytes, content: Content) -> bytes:
    _require_digest(is_digest_of(content.digest, data), content)
    return data


def _require_digest(as_promised: bool, content: Content) -> None:  # noqa: FBT001  (a test's outcome)
    if not as_promised:
        raise CorruptObjectError(
            f"{content.key}: the bytes are not those that were stored",
            hint=DAMAGED,
        )


def _require_here(content: Content) -> None:
    if content.reference:
        raise RefusedError(f"{content.key} lies on the submitter's computer only")
    require_readable(content)


def _raw(data: bytes, content: Content) -> bytes:
    return _verified(decoded(data, content) if content.codecs else data, content)
