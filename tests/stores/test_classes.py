"""Classes of stored objects: in memory, on MiniStack, on moto, and behind what troubles them."""

import secrets
import time
from collections.abc import Iterator, Mapping

import pytest
from moto.server import ThreadedMotoServer

from cryoem_cloud.model.errors import (
    ArchivedError,
    ObjectExistsError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Classes, Reach
from cryoem_cloud.ports.parts import LEAST_PART_BYTES
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.counted import Counted
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.stores.s3.classes import S3Classes
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.store import S3Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.classes_contract import ClassesContract
from cryoem_cloud.testing.faults import Fault, FaultyStore
from cryoem_cloud.testing.s3_servers import S3Server, client_of
from cryoem_cloud.testing.stream_contract import pattern
from tests.stores.conftest import Wire


class TestInMemory(ClassesContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    def restored(self, store: Store) -> None:
        assert isinstance(store, MemoryStore)
        store.classes.restored()


class TestBehindAll(ClassesContract):
    """Of a store that is counted, and whose every call about classes fails once."""

    @pytest.fixture
    def store(self) -> Store:
        failed: set[tuple[str, str]] = set()

        def once(call: str, key: str) -> Fault:
            fresh = (call, key) not in failed and call in {"kept", "move", "restore"}
            failed.add((call, key))
            return Fault.LOST if fresh and call != "kept" else Fault.NONE

        memory = MemoryStore()
        patience = Patience(5.0, sleep=lambda _: None)
        self.memory = memory
        self.counted = Counted(FaultyStore(memory, once))
        return Patient(self.counted, patience)

    def restored(self, store: Store) -> None:
        assert store.classes is not None
        self.memory.classes.restored()

    def test_calls_are_counted(self, store: Store) -> None:
        store.put("contract/a", b"a")
        assert store.classes
        store.classes.move(
            "contract/a", StorageClass.INSTANT, tag=store.classes.kept("contract/a").tag
        )
        assert self.counted.counts.calls["move"] == 2
        assert self.counted.counts.calls["kept"] >= 1


class TestOnMiniStack(ClassesContract):
    @pytest.fixture
    def store(self, ministack_server: S3Server) -> Store:
        return open_store(ministack_server.bucket() + "/below/it", env=ministack_server.env())

    def restored(self, store: Store) -> None:
        assert store.classes is not None
        until_s = time.monotonic() + 10
        while any(
            store.classes.kept(kept.key).reach is Reach.RESTORING
            for kept in store.classes.list("contract/")
        ):
            assert time.monotonic() < until_s
            time.sleep(0.05)


@pytest.fixture(scope="module")
def moto_env() -> Iterator[Mapping[str, str]]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    server.stop()


class TestOnMoto(ClassesContract):
    @pytest.fixture
    def store(self, moto_env: Mapping[str, str]) -> Store:
        name = f"test-{secrets.token_hex(6)}"
        client_of(moto_env).create_bucket(Bucket=name)
        return S3Store(name, "", access=Access(moto_env, name), patience=Patience(0.0))

    def restored(self, store: Store) -> None:
        """At once, there."""


def in_parts(store: Store) -> Classes:
    """Classes that copy in parts what is above the least part's size."""
    while not isinstance(store, S3Store):
        assert isinstance(store, Patient)
        store = store._store
    return S3Classes(
        store._bucket,
        store._parts,
        store._listed,
        most_bytes=LEAST_PART_BYTES,
        part_bytes=LEAST_PART_BYTES,
    )


def test_a_large_object_is_moved_in_parts(wire: Wire) -> None:
    data = pattern(2 * LEAST_PART_BYTES + 100, seed=3)
    wire.store.put("large", data)
    classes = in_parts(wire.store)
    wire.proxy.requests.clear()
    classes.move("large", StorageClass.INSTANT, tag=classes.kept("large").tag)
    copies = [one for one in wire.proxy.requests if "partNumber=" in one]
    assert len(copies) == 3
    assert classes.kept("large").kept is StorageClass.INSTANT
    assert wire.store.get("large") == data
    begun = next(one for one in wire.proxy.requests if "uploads=" in one)
    assert begun.startswith("POST ")


def test_a_large_object_that_is_replaced_while_it_is_moved_stays_the_new_one(wire: Wire) -> None:
    wire.store.put("large", pattern(2 * LEAST_PART_BYTES, seed=3))
    classes = in_parts(wire.store)
    tag = classes.kept("large").tag

    def replace(request: str) -> None:
        if "partNumber=2" in request:
            wire.proxy.done = lambda _: None
            wire.store.put("large", b"new")

    wire.proxy.done = replace
    with pytest.raises(Exception, match="large"):
        classes.move("large", StorageClass.DEEP, tag=tag)
    assert wire.store.get("large") == b"new"


def test_what_is_in_the_class_already_is_not_copied(wire: Wire) -> None:
    wire.store.put("a", b"a")
    assert wire.store.classes
    kept = wire.store.classes.kept("a")
    wire.proxy.requests.clear()
    wire.store.classes.move("a", StorageClass.STANDARD, tag=kept.tag)
    assert wire.asked("PUT") == 0


def test_what_is_replaced_just_before_it_is_copied_is_not_moved(wire: Wire) -> None:
    """The server looks at the tag once more."""
    wire.store.put("a", b"a")
    assert wire.store.classes
    tag = wire.store.classes.kept("a").tag

    def replace(request: str) -> None:
        if request.startswith("HEAD"):
            wire.proxy.done = lambda _: None
            wire.store.put("a", b"b")

    wire.proxy.done = replace
    with pytest.raises(ObjectExistsError):
        wire.store.classes.move("a", StorageClass.DEEP, tag=tag)
    assert wire.store.get("a") == b"b"


def test_a_server_without_classes_refuses_and_keeps_the_object(weed_server: S3Server) -> None:
    store = open_store(weed_server.bucket(), env=weed_server.env())
    store.put("a", b"a")
    assert store.classes
    with pytest.raises(StoreError, match="a: the store refused"):
        store.classes.move("a", StorageClass.DEEP, tag=store.classes.kept("a").tag)
    assert store.get("a") == b"a"


def test_a_store_of_one_class_says_so(tmp_path: object) -> None:
    assert DirectoryStore(tmp_path).classes is None  # type: ignore[arg-type]


def test_an_archived_object_says_what_to_do(ministack_server: S3Server) -> None:
    store = open_store(ministack_server.bucket(), env=ministack_server.env())
    store.put("a", b"a")
    assert store.classes
    store.classes.move("a", StorageClass.DEEP, tag=store.classes.kept("a").tag)
    started_s = time.monotonic()
    with pytest.raises(ArchivedError, match="cryoem storage restore"):
        store.get("a")
    assert time.monotonic() - started_s < 2, "it is not waited for"


def test_who_gives_up_says_so() -> None:
    memory = MemoryStore()
    memory.put("a", b"a")
    store = Patient(FaultyStore(memory, lambda *_: Fault.REFUSED), Patience(0.0))
    assert store.classes
    with pytest.raises(StoreUnreachableError):
        store.classes.move("a", StorageClass.DEEP, tag="x")
    assert memory.classes.kept("a").kept is StorageClass.STANDARD
