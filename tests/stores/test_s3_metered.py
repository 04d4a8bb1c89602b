"""Each request that an S3 server answers is told to the meter, as it is charged for."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cryoem_cloud.model.errors import ObjectMissingError, StoreUnreachableError
from cryoem_cloud.model.usage import Asking
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.meters import Cause, StoreMeter
from cryoem_cloud.stores.urls import open_store

OF_PROJECT, OF_JOB = Cause("p", 0, "2026-11"), Cause("p", 7, "2026-11")
BODY = b"x" * 1000
LIST = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.status = 200
        self.heard: list[str] = []


class _Answers(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append(self.command)
        body = LIST if "list-type=2" in self.path else BODY
        body = body if self.server.status == 200 and self.command in {"GET", "HEAD"} else b""
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815  (the library's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Nobody wants to know."""


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as made:
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield made
        made.shutdown()


def opened(server: _Server) -> tuple[Store, StoreMeter]:
    env = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret-0123456789",
        "AWS_REGION": "us-east-1",
    }
    meter = StoreMeter(lambda: "2026-11")
    return open_store("s3://bucket/below", env=env, meter=meter), meter


def test_what_writes_and_lists_is_told_apart_from_what_reads(server: _Server) -> None:
    store, meter = opened(server)
    store.put("p/jobs/00000007/job.json", b"{}")
    assert store.get("p/jobs/00000007/job.json") == BODY
    store.size("p/mirror/a")
    store.delete("p/mirror/a")
    assert list(store.list("p/jobs/00000007/")) == []
    assert meter.sums() == {
        OF_JOB: Asking(writes=2, reads=1, home_bytes=len(BODY) + len(LIST)),
        OF_PROJECT: Asking(reads=1),
    }
    assert server.heard == ["PUT", "GET", "HEAD", "DELETE", "GET"]


def test_what_is_not_there_is_paid_for_and_a_fault_of_the_server_is_not(server: _Server) -> None:
    store, meter = opened(server)
    server.status = 500  # first, as a store that has never answered is not waited for
    with pytest.raises(StoreUnreachableError):
        store.get("p/mirror/a")
    assert not meter.sums()
    server.status = 404
    with pytest.raises(ObjectMissingError):
        store.get("p/mirror/a")
    assert meter.sums() == {OF_PROJECT: Asking(reads=1)}


def test_of_a_stream_that_nobody_reads_to_its_end_counts_what_came(server: _Server) -> None:
    store, meter = opened(server)
    assert store.parts is not None
    store.parts.read_into("p/mirror/a", 0, memoryview(bytearray(10)))
    assert meter.sums()[OF_PROJECT].home_bytes == 10
