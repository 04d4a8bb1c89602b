"""What the S3 store says on the wire, as a listener that never answers hears it."""

import socket
import threading
from collections.abc import Iterator

import pytest

from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store

SECRET = "secret-0123456789"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


def _store(listener: socket.socket) -> Store:
    env = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    return open_store("s3://bucket/below", env=env)


def _heard(listener: socket.socket, store: Store, body: bytes) -> bytes:
    """Everything that a put sends without being answered; it ends when we hang up."""

    errors: list[Exception] = []

    def put() -> None:
        try:
            store.put("a", body, if_absent=True)
        except StoreUnreachableError as error:
            errors.append(error)

    putting = threading.Thread(target=put)
    putting.start()
    connection, _ = listener.accept()
    heard = b""
    with connection:
        connection.settimeout(10)
        while not heard.endswith(body):
            heard += connection.recv(65536)
    putting.join(20)
    assert [type(error) for error in errors] == [StoreUnreachableError]
    return heard


def test_a_put_is_one_round_trip_and_carries_its_checksum(listener: socket.socket) -> None:
    heard = _heard(listener, _store(listener), b"the body")
    head = heard.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"put /bucket/below/a http/1.1")
    assert b"if-none-match: *" in head
    assert b"x-amz-checksum-crc32:" in head
    assert b"expect:" not in head


def test_the_secret_is_never_sent(listener: socket.socket) -> None:
    assert SECRET.encode() not in _heard(listener, _store(listener), b"the body")
