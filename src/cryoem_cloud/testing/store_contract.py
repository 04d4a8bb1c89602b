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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from cryoem_cloud.model.checks import crc32_of
from cryoem_cloud.model.errors import (
    KeyClashError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
)
from cryoem_cloud.ports.store import Listed, Store
from cryoem_cloud.testing.listing_contract import ListingContract, same
from cryoem_cloud.testing.stream_contract import LARGE_BYTES, StreamContract, chunks_of, pattern

__all__ = ["StoreContract"]

_RACERS = 16
_EVERY_CHARACTER = "contract/A-Za_z0.9+=,%2F~@é漢\N{SNOWMAN}/@abs/..x/-/x~1a2b3c4d"
_UNLAWFUL = ("", "/a", "a//b", "a/", "a/../b", "./a", "a b", "a\nb", "a#b", "a*", 'a"', "\udc80")


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

    def test_a_store_tells_the_checksum_of_what_was_put_or_none(self, store: Store) -> None:
        for key, data in (("contract/a", b"first"), ("contract/b", b"other"), ("contract/c", b"")):
            store.put(key, data)
            told = store.told(key)
            same(told.size, len(data))
            same(told.check in {"", crc32_of([data])}, wanted=True)
        with pytest.raises(ObjectMissingError):
            store.told("contract/none")

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
            store.put_stream(
                "contract/a", chunks_of(pattern(LARGE_BYTES)), size=LARGE_BYTES, if_absent=True
            )
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
            data = pattern(LARGE_BYTES, seed=number)
            return lambda: store.put_stream(
                "contract/race", chunks_of(data), size=LARGE_BYTES, if_absent=True
            )

        outcomes = _at_once([racer(number) for number in range(2)])
        winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
        same(len(winners), 1)
        same(store.get("contract/race") == pattern(LARGE_BYTES, seed=winners[0]), wanted=True)

    @staticmethod
    def _one_wins(store: Store, key: str, racers: list[Callable[[], None]]) -> None:
        outcomes = _at_once(racers)
        winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
        same(len(winners), 1)
        same([lost for lost in outcomes if lost and type(lost) is not ObjectExistsError], [])
        same(store.get(key), b"racer %d" % winners[0])


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


class StoreContract(_Objects, _PutIfAbsent, StreamContract, ListingContract, _Clones):
    """Every sentence of `ports.store`, as tests; a subclass gives the `store` fixture."""

    @pytest.fixture
    def store(self) -> Store:
        """An empty store.

        Raises:
            NotImplementedError: The subclass has to say which.
        """
        raise NotImplementedError
