"""From a file to an object: one pass that reads, digests and stores."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from cryoem_cloud.model.checks import Crc
from cryoem_cloud.model.digest import Digester
from cryoem_cloud.model.errors import (
    ArchivedError,
    KeyClashError,
    ObjectExistsError,
    ObjectMissingError,
    SourceChangedError,
)
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Stamp
from cryoem_cloud.model.keys import apart_key
from cryoem_cloud.model.paths import version_key
from cryoem_cloud.mover.encoding import codecs_of
from cryoem_cloud.mover.engine import SEND_BYTES, Engine, engine_or_new
from cryoem_cloud.mover.frames import rows_if_same
from cryoem_cloud.mover.gains import Gains
from cryoem_cloud.mover.journal import ZST
from cryoem_cloud.mover.send import send_in_parts
from cryoem_cloud.mover.small import send_whole
from cryoem_cloud.mover.stamp import CHANGED, require_unchanged, stamp_of
from cryoem_cloud.ports.store import CHUNK_BYTES, Store

__all__ = ["digest_file", "digest_object", "keep_file", "send_file"]


def digest_file(path: Path) -> tuple[Stamp, Digester]:
    """The stamp and digest of a file, in each form that it may be recorded in; reads all of it.

    Raises:
        SourceChangedError: It changed meanwhile.
    """
    stamp, digester = stamp_of(path), Digester(both=True)
    for chunk in _pieces(path, stamp):
        digester.update(chunk)
    return stamp, digester


def digest_object(store: Store, key: str) -> Digester:
    """The digest of a whole object; reads all of it.

    Raises:
        ObjectMissingError: There is no such object.
    """
    digester = Digester()
    for chunk in store.get_stream(key):
        digester.update(chunk)
    return digester


def send_file(
    store: Store,
    path: Path,
    *,
    project: str,
    key: str,
    moved: Callable[[int], None] = lambda _: None,
    engine: Engine | None = None,
) -> tuple[Stamp, Content]:
    """Store a file under an absent key (relative to the project) and say where its bytes lie.

    `moved` is told of bytes as they go. Where store and file share a file system with reflinks the
    blocks are shared; a store that takes objects in parts gets large files so, encoded as the
    `engine` says, which all files that are sent at a time share.

    Raises:
        ObjectExistsError: The key is taken.
        SourceChangedError: The file changed meanwhile; there is no object.
    """
    stamp = stamp_of(path)
    if store.parts is not None and stamp.size > BLOCK_BYTES:
        with engine_or_new(engine, SEND_BYTES) as used:
            return send_in_parts(used, store, path, project=project, key=key, moved=moved)
    if engine is not None and stamp.size <= BLOCK_BYTES and not store.properties.local:
        return send_whole(engine, store, path, project=project, key=key, moved=moved)
    full = f"{project}/{key}"
    if store.properties.clones and store.clone_in(path, full):
        digester = digest_object(store, full)
        if digester.size != stamp.size or stamp_of(path) != stamp:
            store.delete(full)
            raise SourceChangedError(f"{path} changed while it was read", hint=CHANGED)
        moved(stamp.size)
        return stamp, _content(key, digester)
    with nullcontext() if engine is None else engine.stream(stamp.size):
        return stamp, _streamed(store, path, stamp, project=project, key=key, moved=moved)


def keep_file(
    store: Store,
    path: Path,
    *,
    project: str,
    key: str,
    moved: Callable[[int], None] = lambda _: None,
    engine: Engine | None = None,
) -> tuple[Stamp, Content]:
    """As `send_file`, under `key` or, where that holds other bytes, under its version key.

    A key that the store cannot hold, because a folder has become a file or a file a folder, is
    replaced by one apart. Bytes that the store has under one of these are not sent again.
    """
    kept = partial(keep_file, store, path, project=project, moved=moved, engine=engine)
    try:
        return send_file(store, path, project=project, key=key, moved=moved, engine=engine)
    except KeyClashError:
        return kept(key=apart_key(key))
    except ObjectExistsError:
        stamp, mine = digest_file(path)
        gains = engine.gains if engine else Gains()
        versions = [version_key(key, digest) for digest in mine.digests]
        for candidate in (key, *versions):
            for name in (candidate, candidate + ZST):
                if (found := _found(store, project, name, mine, gains=gains)) is not None:
                    return stamp, found
    try:
        return send_file(store, path, project=project, key=versions[0], moved=moved, engine=engine)
    except ObjectExistsError:  # other bytes; or SeaweedFS, whose word for a clash this is
        return kept(key=apart_key(key))


def _found(store: Store, project: str, key: str, mine: Digester, *, gains: Gains) -> Content | None:
    """The content of an object that holds these bytes; None: there is none that can be read."""
    full = f"{project}/{key}"
    try:
        said = store.told(full)
        checks = (said.check,) if said.check else ()  # of what is read now, and found good
        if said.size == mine.size and digest_object(store, full).digest == mine.digest:
            return replace(_content(key, mine), checks=checks)
        same = rows_if_same(store.get_stream(full), mine, partial(gains.of, store, project))
    except (ObjectMissingError, ArchivedError):
        return None
    if same is None:
        return None
    rows, gain = same
    if gain:  # it may have come from here
        gains.store(store, project, gains.of(store, project, gain), sending=nullcontext)
    codecs = codecs_of(plain=key.endswith(ZST), gain=gain)
    made = replace(_content(key, mine), stored=said.size, codecs=codecs, parts=rows)
    return replace(made, checks=checks)


def _content(key: str, digester: Digester) -> Content:
    return Content(
        key=key,
        start=0,
        stored=digester.size,
        size=digester.size,
        digest=digester.digest,
        blocks=digester.blocks(),
    )


def _pieces(path: Path, stamp: Stamp) -> Iterator[bytes]:
    left = stamp.size
    with path.open("rb", buffering=0) as file:
        require_unchanged(path, file.fileno(), stamp)
        while left > 0 and (chunk := file.read(min(left, CHUNK_BYTES))):
            left -= len(chunk)
            if not left:
                require_unchanged(path, file.fileno(), stamp)
            yield chunk
        if left:
            raise SourceChangedError(f"{path} was cut while it was read", hint=CHANGED)


def _streamed(
    store: Store,
    path: Path,
    stamp: Stamp,
    *,
    project: str,
    key: str,
    moved: Callable[[int], None],
) -> Content:
    digester, crc = Digester(), None if store.properties.local else Crc()

    def chunks() -> Iterator[bytes]:
        for chunk in _pieces(path, stamp):
            digester.update(chunk)
            if crc:
                crc.update(chunk)
            yield chunk
            moved(len(chunk))

    store.put_stream(f"{project}/{key}", chunks(), size=stamp.size, if_absent=True)
    content = _content(key, digester)
    return replace(content, checks=(crc.said,)) if crc else content
