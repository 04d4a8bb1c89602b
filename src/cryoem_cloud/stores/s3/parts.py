"""Cutting a stream into the parts of an upload, and sending a few of them at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from cryoem_cloud.model.errors import StoreError

__all__ = ["PART_BYTES", "STREAMS", "part_bytes", "parts_of", "sent"]

_T = TypeVar("_T")

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


def parts_of(name: str, chunks: Iterable[bytes], *, size: int) -> Iterator[bytes]:
    """The stream's bytes in parts; none for an empty stream.

    Raises:
        StoreError: The chunks do not sum up to `size`.
    """
    whole, held, come = part_bytes(size), bytearray(), 0
    for chunk in chunks:
        come += len(chunk)
        held += chunk
        if come > size:
            break
        while len(held) >= whole:
            yield bytes(held[:whole])
            del held[:whole]
    if come != size:
        raise StoreError(f"{name}: {size} bytes were announced, {come} came")
    if held:
        yield bytes(held)


def sent(parts: Iterable[bytes], send: Callable[[int, bytes], _T]) -> list[_T]:
    """What `send` gave for each part and its number from 1, in order; STREAMS at a time."""
    under_way: deque[Future[_T]] = deque()
    done: list[_T] = []
    with ThreadPoolExecutor(STREAMS, thread_name_prefix="part") as pool:
        for number, part in enumerate(parts, start=1):
            under_way.append(pool.submit(send, number, part))
            if len(under_way) == STREAMS:
                done.append(under_way.popleft().result())
        done.extend(future.result() for future in under_way)
    return done
