"""What every store must do with objects in pieces; a part of the store contract."""

from collections.abc import Iterator

import pytest

from cryoem_cloud.model.errors import CorruptObjectError, StoreError
from cryoem_cloud.ports.store import CHUNK_BYTES, Store
from cryoem_cloud.testing.listing_contract import same

__all__ = ["LARGE_BYTES", "StreamContract", "chunks_of", "pattern"]

LARGE_BYTES = 20 * 1024 * 1024 + 17


def pattern(size: int, seed: int = 0) -> bytes:
    """Bytes in which every shift and every swap shows."""
    block = b"".join((seed + at).to_bytes(4, "big") for at in range(1024))
    return (block * (size // len(block) + 1))[:size]


def chunks_of(data: bytes, piece: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The bytes in pieces of that size."""
    for at in range(0, len(data), piece):
        yield data[at : at + piece]


class StreamContract:
    """Objects in pieces, and parts of objects."""

    def test_a_large_object_travels_in_pieces(self, store: Store) -> None:
        """And none of these is large."""
        data = pattern(LARGE_BYTES)
        store.put_stream("contract/large", chunks_of(data), size=LARGE_BYTES)
        pieces = list(store.get_stream("contract/large"))
        same(b"".join(pieces) == data, wanted=True)
        same(max(map(len, pieces)) <= CHUNK_BYTES, wanted=True)
        same(store.size("contract/large"), LARGE_BYTES)
        same(store.get("contract/large", start=LARGE_BYTES - 3), data[-3:])

    def test_pieces_may_be_small_or_empty(self, store: Store) -> None:
        """However the source cuts them."""
        store.put_stream("contract/a", iter((b"", b"a", b"", b"bc", b"")), size=3)
        same(store.get("contract/a"), b"abc")

    def test_nobody_sees_a_stream_before_its_end(self, store: Store) -> None:
        """Neither listings nor folders have it."""
        seen: list[object] = []

        def chunks() -> Iterator[bytes]:
            for piece in chunks_of(pattern(LARGE_BYTES)):
                yield piece
                seen.extend(store.list("contract/"))
                seen.extend(store.folders(""))

        store.put_stream("contract/large", chunks(), size=LARGE_BYTES)
        same(seen, [])

    @pytest.mark.parametrize("size", [3, LARGE_BYTES])
    def test_an_error_of_the_source_leaves_nothing_and_is_passed_on(
        self, store: Store, size: int
    ) -> None:
        """Whatever error it is, it is the very same."""
        for error in (FileNotFoundError(2, "source"), OSError(28, "source"), KeyError("source")):

            def chunks(error: Exception = error) -> Iterator[bytes]:
                yield from chunks_of(pattern(size))
                raise error

            with pytest.raises(type(error)) as caught:
                store.put_stream("contract/a", chunks(), size=size)
            same(caught.value is error, wanted=True)
        same(list(store.list("contract/")), [])

    def test_an_error_of_the_source_leaves_the_old_object(self, store: Store) -> None:
        """As if nothing had been asked."""
        store.put("contract/a", b"old")

        def chunks() -> Iterator[bytes]:
            yield b"new"
            raise KeyError

        with pytest.raises(KeyError):
            store.put_stream("contract/a", chunks(), size=6)
        same(store.get("contract/a"), b"old")

    @pytest.mark.parametrize("announced", [0, 2, 4, LARGE_BYTES])
    def test_a_stream_of_another_size_than_announced_leaves_nothing(
        self, store: Store, announced: int
    ) -> None:
        """Neither a shorter nor a longer one."""
        with pytest.raises(StoreError):
            store.put_stream("contract/a", iter((b"abc",)), size=announced)
        same(list(store.list("contract/")), [])

    def test_a_range_is_a_part(self, store: Store) -> None:
        """From a byte on, so many."""
        store.put("contract/a", b"0123456789")
        for start, length, wanted in (
            (0, None, b"0123456789"),
            (3, None, b"3456789"),
            (3, 4, b"3456"),
            (9, 1, b"9"),
            (0, 0, b""),
            (10, 0, b""),
            (10, None, b""),
        ):
            same(store.get("contract/a", start=start, length=length), wanted)
            same(b"".join(store.get_stream("contract/a", start=start, length=length)), wanted)

    def test_past_the_end_there_are_no_bytes(self, store: Store) -> None:
        """A range may reach beyond what there is."""
        store.put("contract/a", b"0123456789")
        same(store.get("contract/a", start=8, length=10), b"89")
        same(store.get("contract/a", start=10, length=1), b"")
        same(store.get("contract/a", start=99), b"")

    def test_a_stream_gives_all_that_was_asked_for_or_an_error(self, store: Store) -> None:
        """A short one would pass for the whole."""
        store.put("contract/a", b"0123456789")
        for start, length in ((8, 3), (10, 1), (99, 1)):
            with pytest.raises(CorruptObjectError):
                list(store.get_stream("contract/a", start=start, length=length))

    def test_a_range_may_cross_pieces(self, store: Store) -> None:
        """It begins in one and ends in another."""
        data = pattern(LARGE_BYTES)
        store.put_stream("contract/large", chunks_of(data), size=LARGE_BYTES)
        start, length = CHUNK_BYTES - 5, CHUNK_BYTES + 10
        pieces = store.get_stream("contract/large", start=start, length=length)
        same(b"".join(pieces) == data[start : start + length], wanted=True)

    def test_a_stream_may_be_left_early(self, store: Store) -> None:
        """The object stays, and can be read again."""
        store.put_stream("contract/large", chunks_of(pattern(LARGE_BYTES)), size=LARGE_BYTES)
        stream = store.get_stream("contract/large")
        next(stream)
        del stream
        same(store.size("contract/large"), LARGE_BYTES)
