"""From a file to an object: one pass that reads, digests and stores."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from cryoem_cloud.model.digest import Digester
from cryoem_cloud.model.errors import (
    KeyClashError,
    ObjectExistsError,
    ObjectMissingError,
    SourceChangedError,
)
from cryoem_cloud.model.file import Content, Stamp
from cryoem_cloud.model.keys import apart_key
from cryoem_cloud.model.paths import version_key
from cryoem_cloud.mover.stamp import require_unchanged, stamp_of
from cryoem_cloud.ports.store import CHUNK_BYTES, Store

__all__ = ["digest_file", "digest_object", "keep_file", "send_file"]


def digest_file(path: Path) -> tuple[Stamp, Digester]:
    """The stamp and digest of a file; reads all of it.

    Raises:
        SourceChangedError: It changed meanwhile.
    """
    stamp, digester = stamp_of(path), Digester()
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
) -> tuple[Stamp, Content]:
    """Store a file under an absent key (relative to the project) and say where its bytes lie.

    `moved` is told of bytes as they go. Where store and file share a file system with reflinks the
    blocks are shared.

    Raises:
        ObjectExistsError: The key is taken.
        SourceChangedError: The file changed meanwhile; there is no object.
    """
    stamp, digester = stamp_of(path), Digester()
    full = f"{project}/{key}"
    if store.properties.clones and store.clone_in(path, full):
        digester = digest_object(store, full)
        if digester.size != stamp.size or stamp_of(path) != stamp:
            store.delete(full)
            raise SourceChangedError(f"{path} changed while it was read")
        moved(stamp.size)
    else:
        chunks = _digested(_pieces(path, stamp), digester, moved)
        store.put_stream(full, chunks, size=stamp.size, if_absent=True)
    return stamp, _content(key, digester)


def keep_file(
    store: Store,
    path: Path,
    *,
    project: str,
    key: str,
    moved: Callable[[int], None] = lambda _: None,
) -> tuple[Stamp, Content]:
    """As `send_file`, under `key` or, where that holds other bytes, under its version key.

    A key that the store cannot hold, because a folder has become a file or a file a folder, is
    replaced by one apart. Bytes that the store has under one of these are not sent again.
    """
    try:
        return send_file(store, path, project=project, key=key, moved=moved)
    except KeyClashError:
        return keep_file(store, path, project=project, key=apart_key(key), moved=moved)
    except ObjectExistsError:
        return _keep_version(store, path, project=project, key=key, moved=moved)


def _keep_version(
    store: Store, path: Path, *, project: str, key: str, moved: Callable[[int], None]
) -> tuple[Stamp, Content]:
    """As `keep_file`, where `key` is taken."""
    stamp, mine = digest_file(path)
    for candidate in (key, version_key(key, mine.digest)):
        with suppress(ObjectMissingError):
            if digest_object(store, f"{project}/{candidate}").digest == mine.digest:
                return stamp, _content(candidate, mine)
    try:
        version = version_key(key, mine.digest)
        return send_file(store, path, project=project, key=version, moved=moved)
    except ObjectExistsError:  # other bytes; or SeaweedFS, whose word for a clash this is
        return keep_file(store, path, project=project, key=apart_key(key), moved=moved)


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
            raise SourceChangedError(f"{path} was cut while it was read")


def _digested(
    chunks: Iterator[bytes], digester: Digester, moved: Callable[[int], None]
) -> Iterator[bytes]:
    for chunk in chunks:
        digester.update(chunk)
        yield chunk
        moved(len(chunk))
