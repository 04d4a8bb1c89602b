"""Cutting a stream into the parts of an upload, and sending a few of them at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from cryoem_cloud.model.errors import ObjectMissingError, StoreError, StoreUnreachableError
from cryoem_cloud.ports.parts import Buffer, Parts, SentPart

__all__ = ["PART_BYTES", "STREAMS", "part_bytes", "parts_of", "put_parts"]

PART_BYTES = 16 * 1024 * 1024
"""Smaller objects are sent whole; larger ones in parts of this size, or more if very large."""
STREAMS = 3
"""Parts of one object that are under way at a time; as many and one more are in memory."""
_MOST_PARTS = 9500
"""S3 allows 10,000."""


def part_bytes(size: int) -> int:
    """The size of an object's parts but the last, in bytes; whole MiB."""
    needed = -(-size // _MOST_PARTS)
    mib = 1024 * 1024
    return max(PART_BYTES, -(-needed // mib) * mib)


def parts_of(name: str, chunks: Iterable[bytes], *, size: int) -> Iterator[list[Buffer]]:
    """The stream's bytes in parts, each in pieces, which are not copied; none for an empty stream.

    Raises:
        StoreError: The chunks do not sum up to `size`.
    """
    whole, come = part_bytes(size), 0
    held: list[Buffer] = []
    room = whole
    for chunk in chunks:
        come += len(chunk)
        if come > size:
            break
        view = memoryview(chunk)
        while view:
            held.append(view[:room])
            view, room = view[room:], room - len(held[-1])
            if not room:
                yield held
                held, room = [], whole
    if come != size:
        raise StoreError(f"{name}: {size} bytes were announced, {come} came")
    if held:
        yield held


def put_parts(
    parts: Parts, key: str, stream: Iterable[Sequence[Buffer]], *, if_absent: bool
) -> None:
    """Make an object of the stream's parts, STREAMS of which are sent at a time.

    An error, whoever raises it, leaves no upload behind.

    Raises:
        ObjectExistsError: See `Parts.complete`.
        StoreUnreachableError: Somebody has ended the upload.
    """
    upload = parts.begin(key)
    try:
        stored = _sent(stream, partial(parts.send, key, upload))
        parts.complete(key, upload, stored, if_absent=if_absent)
    except ObjectMissingError as error:
        raise StoreUnreachableError(f"{key} could not be stored") from error
    except BaseException:
        with suppress(StoreError):  # the first error is the one to tell
            parts.abort(key, upload)
        raise


def _sent(
    parts: Iterable[Sequence[Buffer]], send: Callable[[int, Sequence[Buffer]], SentPart]
) -> list[SentPart]:
    """What `send` gave for each part and its number from 1, in order."""
    under_way: deque[Future[SentPart]] = deque()
    done: list[SentPart] = []
    with ThreadPoolExecutor(STREAMS, thread_name_prefix="part") as pool:
        for number, part in enumerate(parts, start=1):
            under_way.append(pool.submit(send, number, part))
            if len(under_way) == STREAMS:
                done.append(under_way.popleft().result())
        done.extend(future.result() for future in under_way)
    return done
