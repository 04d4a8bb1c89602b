"""What every store must do, as tests to inherit.

```python
class TestMyStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return MyStore(tmp_path)
```
The store that the fixture gives must be empty of keys below `contract/`.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    KeyClashError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
)
from cryoem_cloud.ports.store import CHUNK_BYTES, Listed, Store
from cryoem_cloud.testing.listing_contract import ListingContract, same

__all__ = ["StoreContract"]

_RACERS = 16
_LARGE = 20 * 1024 * 1024 + 17
_EVERY_CHARACTER = "contract/A-Za_z0.9+=,%2F~@é漢\N{SNOWMAN}/@abs/..x/-/x~1a2b3c4d"
_UNLAWFUL = ("", "/a", "a//b", "a/", "a/../b", "./a", "a b", "a\nb", "a#b", "a*", 'a"', "\udc80")


def _pattern(size: int, seed: int = 0) -> bytes:
    """Bytes in which every shift and every swap shows."""
    block = b"".join((seed + at).to_bytes(4, "big") for at in range(1024))
    return (block * (size // len(block) + 1))[:size]


def _chunks(data: bytes, piece: int = CHUNK_BYTES) -> Iterator[bytes]:
    for at in range(0, len(data), piece):
        yield data[at : at + piece]


def _at_once(calls: list[Callable[[], None]]) -> list[BaseException | None]:
    """The outcomes of calls that start together."""
    gate = threading.Barrier(len(calls))

    def one(call: Callable[[], None]) -> BaseException | None:
        gate.wait()
        try:
            call()
        except StoreError as error:
            return error
        return None

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


class _Objects:
    """Single objects: whole or absent."""

    def test_an_object_is_what_was_put(self, store: Store) -> None:
        store.put("contract/a", b"bytes")
        same(store.get("contract/a"), b"bytes")
        same(store.size("contract/a"), 5)
        same(list(store.list("contract/")), [Listed("contract/a", 5)])

    def test_an_object_may_be_empty(self, store: Store) -> None:
        store.put("contract/put", b"")
        store.put_stream("contract/stream", iter(()), size=0)
        for key in ("contract/put", "contract/stream"):
            same(store.get(key), b"")
            same(list(store.get_stream(key)), [])
            same(store.size(key), 0)

    def test_put_replaces_an_object(self, store: Store) -> None:
        store.put("contract/a", b"a long first version")
        store.put("contract/a", b"second")
        same(store.get("contract/a"), b"second")
        store.put_stream("contract/a", iter((b"th", b"ird")), size=5)
        same(store.get("contract/a"), b"third")

    def test_what_is_not_there_is_missing(self, store: Store) -> None:
        store.put("contract/folder/a", b"x")
        for key in ("contract/none", "contract/folder", "contract/folder/a/none"):
            with pytest.raises(ObjectMissingError):
                store.get(key)
            with pytest.raises(ObjectMissingError):
                list(store.get_stream(key))
            with pytest.raises(ObjectMissingError):
                store.size(key)

    def test_every_allowed_character_may_be_in_a_key(self, store: Store) -> None:
        store.put(_EVERY_CHARACTER, b"x", if_absent=True)
        same(store.get(_EVERY_CHARACTER), b"x")
        same([listed.key for listed in store.list("contract/")], [_EVERY_CHARACTER])
        store.delete(_EVERY_CHARACTER)
        same(list(store.list("contract/")), [])

    def test_a_key_may_be_long(self, store: Store) -> None:
        key = "contract/" + "/".join("x" * 200 for _ in range(4))
        store.put(key, b"x")
        same(store.get(key), b"x")

    @pytest.mark.parametrize("key", _UNLAWFUL)
    def test_what_is_not_a_key_is_refused(self, store: Store, key: str) -> None:
        for call in (store.get, store.size, store.delete):
            with pytest.raises(StoreError):
                call(key)
        with pytest.raises(StoreError):
            store.put(key, b"x")
        with pytest.raises(StoreError):
            store.put_stream(key, iter((b"x",)), size=1)

    def test_delete_sees_to_it_that_there_is_no_such_object(self, store: Store) -> None:
        store.put("contract/a", b"x")
        store.put("contract/ab", b"x")
        store.put("contract/folder/a", b"x")
        for _ in range(2):
            store.delete("contract/a")
        store.delete("contract/folder")
        store.delete("contract/ab/none")
        same([found.key for found in store.list("contract/")], ["contract/ab", "contract/folder/a"])
        store.put("contract/a", b"again", if_absent=True)
        same(store.get("contract/a"), b"again")

    @pytest.mark.parametrize(("first", "second"), [("a", "a/b/c"), ("a/b/c", "a")])
    @pytest.mark.parametrize("if_absent", [False, True])
    def test_a_key_and_one_that_continues_it_both_live_or_the_first_does(
        self, store: Store, first: str, second: str, *, if_absent: bool
    ) -> None:
        live = {f"contract/{first}": b"first"}
        store.put(f"contract/{first}", b"first", if_absent=True)
        with suppress(KeyClashError):
            store.put(f"contract/{second}", b"second", if_absent=if_absent)
            live[f"contract/{second}"] = b"second"
        for key, data in live.items():
            same(store.get(key), data)
        same({found.key for found in store.list("contract/")}, set(live))
        for key in live:
            store.delete(key)
        same(list(store.list("contract/")), [])

    def test_readers_never_see_half_an_object(self, store: Store) -> None:
        size = 200_000
        versions = {bytes([letter]) * size for letter in b"abcdef"}
        store.put("contract/a", b"a" * size)
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                for data in sorted(versions):
                    store.put("contract/a", data)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            found = {store.get("contract/a") for _ in range(60)}
        finally:
            stop.set()
            writer.join()
        same(found <= versions, wanted=True)


class _PutIfAbsent:
    """Of any number of callers exactly one succeeds."""

    def test_a_taken_key_stays_as_it_is(self, store: Store) -> None:
        store.put("contract/a", b"first", if_absent=True)
        with pytest.raises(ObjectExistsError):
            store.put("contract/a", b"second", if_absent=True)
        with pytest.raises(ObjectExistsError):
            store.put_stream("contract/a", iter((b"third",)), size=5, if_absent=True)
        with pytest.raises(ObjectExistsError):
            store.put_stream("contract/a", _chunks(_pattern(_LARGE)), size=_LARGE, if_absent=True)
        same(store.get("contract/a"), b"first")

    @pytest.mark.parametrize("attempt", range(5))
    def test_one_of_many_wins(self, store: Store, attempt: int) -> None:
        key = f"contract/{attempt}/race"

        def racer(number: int) -> Callable[[], None]:
            return lambda: store.put(key, b"racer %d" % number, if_absent=True)

        self._one_wins(store, key, [racer(number) for number in range(_RACERS)])

    def test_one_of_many_streams_wins(self, store: Store) -> None:
        def racer(number: int) -> Callable[[], None]:
            pieces = (b"racer ", b"%d" % number)
            size = sum(map(len, pieces))
            return lambda: store.put_stream("contract/race", pieces, size=size, if_absent=True)

        self._one_wins(store, "contract/race", [racer(number) for number in range(_RACERS)])

    def test_one_of_two_large_streams_wins(self, store: Store) -> None:
        def racer(number: int) -> Callable[[], None]:
            data = _pattern(_LARGE, seed=number)
            return lambda: store.put_stream(
                "contract/race", _chunks(data), size=_LARGE, if_absent=True
            )

        outcomes = _at_once([racer(number) for number in range(2)])
        winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
        same(len(winners), 1)
        same(store.get("contract/race") == _pattern(_LARGE, seed=winners[0]), wanted=True)

    @staticmethod
    def _one_wins(store: Store, key: str, racers: list[Callable[[], None]]) -> None:
        outcomes = _at_once(racers)
        winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
        same(len(winners), 1)
        same([lost for lost in outcomes if lost and type(lost) is not ObjectExistsError], [])
        same(store.get(key), b"racer %d" % winners[0])


class _Streams:
    """Objects in pieces, and parts of objects."""

    def test_a_large_object_travels_in_pieces(self, store: Store) -> None:
        data = _pattern(_LARGE)
        store.put_stream("contract/large", _chunks(data), size=_LARGE)
        pieces = list(store.get_stream("contract/large"))
        same(b"".join(pieces) == data, wanted=True)
        same(max(map(len, pieces)) <= CHUNK_BYTES, wanted=True)
        same(store.size("contract/large"), _LARGE)
        same(store.get("contract/large", start=_LARGE - 3), data[-3:])

    def test_pieces_may_be_small_or_empty(self, store: Store) -> None:
        store.put_stream("contract/a", iter((b"", b"a", b"", b"bc", b"")), size=3)
        same(store.get("contract/a"), b"abc")

    def test_nobody_sees_a_stream_before_its_end(self, store: Store) -> None:
        seen: list[object] = []

        def chunks() -> Iterator[bytes]:
            for piece in _chunks(_pattern(_LARGE)):
                yield piece
                seen.extend(store.list("contract/"))
                seen.extend(store.folders(""))

        store.put_stream("contract/large", chunks(), size=_LARGE)
        same(seen, [])

    @pytest.mark.parametrize("size", [3, _LARGE])
    def test_an_error_of_the_source_leaves_nothing_and_is_passed_on(
        self, store: Store, size: int
    ) -> None:
        for error in (FileNotFoundError(2, "source"), OSError(28, "source"), KeyError("source")):

            def chunks(error: Exception = error) -> Iterator[bytes]:
                yield from _chunks(_pattern(size))
                raise error

            with pytest.raises(type(error)) as caught:
                store.put_stream("contract/a", chunks(), size=size)
            same(caught.value is error, wanted=True)
        same(list(store.list("contract/")), [])

    def test_an_error_of_the_source_leaves_the_old_object(self, store: Store) -> None:
        store.put("contract/a", b"old")

        def chunks() -> Iterator[bytes]:
            yield b"new"
            raise KeyError

        with pytest.raises(KeyError):
            store.put_stream("contract/a", chunks(), size=6)
        same(store.get("contract/a"), b"old")

    @pytest.mark.parametrize("announced", [0, 2, 4, _LARGE])
    def test_a_stream_of_another_size_than_announced_leaves_nothing(
        self, store: Store, announced: int
    ) -> None:
        with pytest.raises(StoreError):
            store.put_stream("contract/a", iter((b"abc",)), size=announced)
        same(list(store.list("contract/")), [])

    def test_a_range_is_a_part(self, store: Store) -> None:
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
        store.put("contract/a", b"0123456789")
        same(store.get("contract/a", start=8, length=10), b"89")
        same(store.get("contract/a", start=10, length=1), b"")
        same(store.get("contract/a", start=99), b"")

    def test_a_stream_gives_all_that_was_asked_for_or_an_error(self, store: Store) -> None:
        store.put("contract/a", b"0123456789")
        for start, length in ((8, 3), (10, 1), (99, 1)):
            with pytest.raises(CorruptObjectError):
                list(store.get_stream("contract/a", start=start, length=length))

    def test_a_range_may_cross_pieces(self, store: Store) -> None:
        data = _pattern(_LARGE)
        store.put_stream("contract/large", _chunks(data), size=_LARGE)
        start, length = CHUNK_BYTES - 5, CHUNK_BYTES + 10
        pieces = store.get_stream("contract/large", start=start, length=length)
        same(b"".join(pieces) == data[start : start + length], wanted=True)

    def test_a_stream_may_be_left_early(self, store: Store) -> None:
        store.put_stream("contract/large", _chunks(_pattern(_LARGE)), size=_LARGE)
        stream = store.get_stream("contract/large")
        next(stream)
        del stream
        same(store.size("contract/large"), _LARGE)


class _Clones:
    """Sharing blocks with files, where that is possible."""

    def test_a_cloned_file_is_an_object_of_its_own(self, store: Store, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"before")
        if not store.clone_in(source, "contract/a"):
            same(list(store.list("contract/")), [])
            return
        source.write_bytes(b"after")
        same(store.get("contract/a"), b"before")
        with pytest.raises(ObjectExistsError):
            store.clone_in(source, "contract/a")

    def test_a_cloned_object_is_a_file_of_its_own(self, store: Store, tmp_path: Path) -> None:
        store.put("contract/a", b"before")
        target = tmp_path / "target"
        if not store.clone_out("contract/a", target):
            same(target.exists(), wanted=False)
            return
        same(target.read_bytes(), b"before")
        target.write_bytes(b"after")
        same(store.get("contract/a"), b"before")


class StoreContract(_Objects, _PutIfAbsent, _Streams, ListingContract, _Clones):
    """Every sentence of `ports.store`, as tests; a subclass gives the `store` fixture."""

    @pytest.fixture
    def store(self) -> Store:
        """An empty store.

        Raises:
            NotImplementedError: The subclass has to say which.
        """
        raise NotImplementedError
