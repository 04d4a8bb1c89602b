"""The ways to a bucket: TLS and its certificates, proxies, addresses, regions, connections."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import StoreDeniedError, StoreUnreachableError
from cryoem_cloud.ports.parts import Parts
from cryoem_cloud.stores.s3 import xml
from cryoem_cloud.stores.s3.bucket import Bucket
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.uploads import S3Parts
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import Trouble, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server
from tests.stores.certificates import self_signed

MIB = 1024 * 1024
DATA = os.urandom(6 * MIB)
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


def parts_of(url: str, env: Mapping[str, str]) -> Parts:
    found = open_store(url, env=env).parts
    assert found
    return found


def there_and_back(parts: Parts) -> None:
    upload = parts.begin("a")
    sent = parts.send("a", upload, 1, [DATA])
    parts.complete("a", upload, [sent], if_absent=True)
    buffer = bytearray(len(DATA))
    parts.read_into("a", 0, memoryview(buffer))
    assert buffer == DATA


def test_a_certificate_of_ones_own_is_trusted_if_it_is_named(
    ministack_server: S3Server, tmp_path: Path
) -> None:
    bundle, tls = self_signed(tmp_path)
    with faulty_proxy(ministack_server.endpoint, tls=tls) as proxy:
        env = ministack_server.env(AWS_ENDPOINT_URL=proxy.endpoint)
        bucket = ministack_server.bucket()
        parts = parts_of(bucket, {**env, "AWS_CA_BUNDLE": str(bundle)})
        there_and_back(parts)
        proxy.trouble(Trouble(status=503), Trouble(cut_after=5 * MIB), Trouble(reset=True))
        buffer = bytearray(len(DATA))
        parts.read_into("a", 0, memoryview(buffer))
        assert buffer == DATA
        for other in (env, {**env, "AWS_CA_BUNDLE": str(tmp_path / "none")}):
            with pytest.raises(StoreUnreachableError, match="no secure connection") as caught:
                parts_of(bucket, other).begin("a")
            assert "AWS_CA_BUNDLE" in caught.value.hint


def test_a_certificate_of_another_address_is_refused(
    ministack_server: S3Server, tmp_path: Path
) -> None:
    bundle, tls = self_signed(tmp_path, "127.0.0.2")
    with faulty_proxy(ministack_server.endpoint, tls=tls) as proxy:
        env = ministack_server.env(AWS_ENDPOINT_URL=proxy.endpoint, AWS_CA_BUNDLE=str(bundle))
        with pytest.raises(StoreUnreachableError, match="no secure connection"):
            parts_of("s3://bucket", env).begin("a")
        assert not proxy.requests


def test_a_server_that_knows_no_tls_is_told(ministack_server: S3Server) -> None:
    endpoint = ministack_server.endpoint.replace("http:", "https:")
    with pytest.raises(StoreUnreachableError, match="no secure connection"):
        parts_of("s3://bucket", ministack_server.env(AWS_ENDPOINT_URL=endpoint)).begin("a")


class _Relay(BaseHTTPRequestHandler):
    """A web proxy as institutes have them: it wants a password."""

    heard: list[str]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_CONNECT(self) -> None:
        if not self._known():
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port))) as upstream:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_copy, args=(upstream, self.connection))
            back.start()
            _copy(self.connection, upstream)
            back.join()
        self.close_connection = True

    def do_POST(self) -> None:
        if self._known():
            self.send_response(200)
            said = b"<r><UploadId>relayed</UploadId></r>"
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    def _known(self) -> bool:
        self.heard.append(f"{self.command} {self.path}")
        if self.headers["Proxy-Authorization"] == "Basic bWU6bXk=":
            return True
        self.send_error(407)
        return False


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay() -> Iterator[tuple[str, list[str]]]:
    heard: list[str] = []
    handler = type("Handler", (_Relay,), {"heard": heard})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()
        thread.join()


def test_a_proxy_is_used_if_the_environment_names_one(
    ministack_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, tls = self_signed(tmp_path)
    bucket = ministack_server.bucket()
    with faulty_proxy(ministack_server.endpoint, tls=tls) as server, relay() as (address, heard):
        env = ministack_server.env(AWS_ENDPOINT_URL=server.endpoint, AWS_CA_BUNDLE=str(bundle))
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:my@{address}")
        there_and_back(parts_of(bucket, env))
        assert set(heard) == {f"CONNECT {server.endpoint.removeprefix('https://')}"}
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        with pytest.raises(StoreUnreachableError, match="407"):
            parts_of(bucket, env).begin("a")


def test_a_proxy_without_tls_is_told_the_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with relay() as (address, heard):
        monkeypatch.setenv("HTTP_PROXY", f"http://me:my@{address}")
        monkeypatch.setenv("http_proxy", f"http://me:my@{address}")
        env = {**KEYS, "AWS_ENDPOINT_URL": "http://store.invalid:9000"}
        assert parts_of("s3://bucket", env).begin("a") == "relayed"
        assert heard == ["POST http://store.invalid:9000/bucket/a?uploads="]


class _Elsewhere(BaseHTTPRequestHandler):
    """A bucket that is in eu-north-1, and says so to whoever signs for another region."""

    protocol_version = "HTTP/1.1"
    knows: bool

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer(200, b"")

    def do_POST(self) -> None:
        if "/eu-north-1/" in self.headers["Authorization"]:
            self._answer(200, b"<r><UploadId>found</UploadId></r>")
        else:
            self._answer(301, b"<Error><Code>PermanentRedirect</Code></Error>")

    def _answer(self, status: int, said: bytes) -> None:
        self.send_response(status)
        if self.knows:
            self.send_header("x-amz-bucket-region", "eu-north-1")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


@pytest.mark.parametrize("knows", [True, False])
def test_a_bucket_of_another_region_is_found_or_that_is_told(*, knows: bool) -> None:
    handler = type("Handler", (_Elsewhere,), {"knows": knows})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        parts = parts_of("s3://bucket", {**KEYS, "AWS_ENDPOINT_URL": endpoint})
        try:
            if knows:
                assert [parts.begin("a"), parts.begin("b")] == ["found", "found"]
            else:
                with pytest.raises(StoreDeniedError, match="another region"):
                    parts.begin("a")
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served(
    answer: Callable[[int], bytes], *, stays: bool
) -> Iterator[tuple[Parts, list[int], threading.Semaphore]]:
    """Parts of a server that gives the answer for the number of the request; its connections.

    Whenever it has hung up it says so.
    """
    connections: list[int] = []
    hung_up = threading.Semaphore(0)
    asked = iter(range(1000))

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            connections.append(address[1])
            with connection:
                while b"\r\n\r\n" in connection.recv(65536):
                    connection.sendall(answer(next(asked)))
                    if not stays:
                        break
            hung_up.release()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        access = Access({**KEYS, "AWS_ENDPOINT_URL": endpoint}, "bucket")
        yield S3Parts(Bucket("bucket", "", access=access, url="s3://bucket")), connections, hung_up
        listener.shutdown(socket.SHUT_RDWR)


def said(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(("stays", "wanted"), [(True, 1), (False, 3)])
def test_a_connection_is_used_again_as_long_as_it_is_there(*, stays: bool, wanted: int) -> None:
    def answer(number: int) -> bytes:
        return said(b"<r><UploadId>%d</UploadId></r>" % number)

    with served(answer, stays=stays) as (parts, connections, hung_up):
        for number in ("0", "1", "2"):
            assert parts.begin("a") == number
            assert stays or hung_up.acquire(timeout=10)
        assert len(connections) == wanted


LAUGHS = (
    b"""<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><r><UploadId>&b;</UploadId></r>"""
)


@pytest.mark.parametrize(
    "body", [LAUGHS, b"<r><UploadId>1", b"no xml", b"<r>" * 99, b"<r/>", b"", b"\xff\xfe<"]
)
def test_an_answer_that_makes_no_sense_is_no_answer(body: bytes) -> None:
    with (
        served(lambda _: said(body), stays=True) as (parts, _, _),
        pytest.raises(StoreUnreachableError),
    ):
        parts.begin("a")


def test_a_number_is_a_number() -> None:
    assert xml.parsed(b"<r><n>12</n></r>").number("n") == 12
    assert xml.parsed(b"<r/>").number("n") == 0
    for wrong in (b"-1", b"1.5", b"x", "\u00b2".encode()):
        with pytest.raises(StoreUnreachableError):
            xml.parsed(b"<r><n>" + wrong + b"</n></r>").number("n")


def test_elements_have_names_without_prefixes() -> None:
    found = xml.parsed(b'<a:r xmlns:a="x"><a:k>1&amp;</a:k><k><![CDATA[<]]></k></a:r>')
    assert (found.name, found.said("k"), len(found.all("k"))) == ("r", "1&", 2)
    assert found.all("k")[1].text == "<"
