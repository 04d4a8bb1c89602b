"""Azure's emulator, and what can be had of Google's storage, on loopback.

No emulator of Google's that installs from PyPI or npm speaks the XML interface, which obstore uses.
So Google's words are put before MiniStack: the requests, conditions and listings are the same but
for the names of headers. The condition of a copy, which MiniStack does not know, is looked at here.
"""

import base64
import hashlib
import hmac
import http.client
import secrets
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from cryoem_cloud.testing.s3_servers import S3Server, free_ports

__all__ = ["AZURITE", "Azurite", "GoogleWords", "azurite", "google_words"]

AZURITE = Path(__file__).parents[2] / "build/emulators/node_modules/.bin/azurite-blob"
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's own, known to all."""
_VERSION = "2021-12-02"
_READY_S = 30.0


class Azurite:
    """A running Azurite; in memory."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}/{_ACCOUNT}"
        self._port = port

    def env(self, **more: str) -> Mapping[str, str]:
        """The variables with which our programs find it."""
        return {
            "AZURE_STORAGE_ACCOUNT": _ACCOUNT,
            "AZURE_STORAGE_KEY": _KEY,
            "AZURE_STORAGE_ENDPOINT": self.endpoint,
            **more,
        }

    def container(self) -> str:
        """The `az://` URL of a container that is new and empty."""
        name, date = f"test-{secrets.token_hex(6)}", formatdate(usegmt=True)
        said = f"x-ms-date:{date}\nx-ms-version:{_VERSION}\n/{_ACCOUNT}/{_ACCOUNT}/{name}"
        signed = f"PUT{12 * chr(10)}{said}\nrestype:container".encode()
        proof = base64.b64encode(hmac.digest(base64.b64decode(_KEY), signed, hashlib.sha256))
        headers = {
            "x-ms-date": date,
            "x-ms-version": _VERSION,
            "Authorization": f"SharedKey {_ACCOUNT}:{proof.decode()}",
            "Content-Length": "0",
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("PUT", f"/{_ACCOUNT}/{name}?restype=container", headers=headers)
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.CREATED, answer.read()
        connection.close()
        return f"az://{name}"


@contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """Azurite on loopback; it checks signatures."""
    program = str(AZURITE) if AZURITE.exists() else shutil.which("azurite-blob") or "azurite-blob"
    (port,) = free_ports(1)
    where = ("--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence")
    how = ("--skipApiVersionCheck", "--disableTelemetry", "--silent")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            (program, *where, *how), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait(port, server)
        yield Azurite(port)
    finally:
        server.kill()
        server.wait()


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + _READY_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except OSError:
            assert server.poll() is None, "it ended"
            assert time.monotonic() < until_s, "it did not come up"
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()


class GoogleWords:
    """A server that understands Google's words, before an S3 server."""

    def __init__(self, endpoint: str, server: S3Server) -> None:
        self.endpoint = endpoint
        self._server = server

    def env(self, **more: str) -> Mapping[str, str]:
        """The variables with which our programs find it."""
        return {"GOOGLE_BASE_URL": self.endpoint, "GOOGLE_BEARER_TOKEN": "token", **more}

    def bucket(self) -> str:
        """The `gs://` URL of a bucket that is new and empty."""
        return self._server.bucket().replace("s3://", "gs://")


_PASSED = ("content-length", "content-type", "range", "content-md5")
_COPYING = threading.Lock()


@contextmanager
def google_words(server: S3Server) -> Iterator[GoogleWords]:
    """Google's words before that server; a token has to come with every request."""
    target = urlsplit(server.endpoint)
    host, port = target.hostname or "", target.port or 80

    class Handler(_Google):
        def upstream(self) -> http.client.HTTPConnection:
            return http.client.HTTPConnection(host, port, timeout=60)

    with _Server(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield GoogleWords(f"http://127.0.0.1:{proxy.server_address[1]}", server)
        finally:
            proxy.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _Google(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def upstream(self) -> http.client.HTTPConnection:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Say nothing."""

    def forward(self) -> None:
        """Answer one request as the server behind does."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if self.headers.get("Authorization") != "Bearer token":
            self._say(http.HTTPStatus.UNAUTHORIZED, {}, b"<Error><Code>Unauthorized</Code></Error>")
            return
        headers = {name: self.headers[name] for name in _PASSED if name in self.headers}
        absent = self.headers.get("x-goog-if-generation-match") == "0"
        source = self.headers.get("x-goog-copy-source")
        if source:
            headers["x-amz-copy-source"] = quote(unquote(source))
        elif absent:
            headers["If-None-Match"] = "*"
        target = quote(unquote(path)) + (f"?{query}" if query else "")
        with _COPYING:
            if source and absent and self._ask("HEAD", target, {}, b"")[0] == http.HTTPStatus.OK:
                self._say(http.HTTPStatus.PRECONDITION_FAILED, {}, b"")
                return
        status, said, data = self._ask(self.command, target, headers, body)
        if status == http.HTTPStatus.OK and "uploads" not in parse_qs(
            query, keep_blank_values=True
        ):
            said.setdefault("x-goog-generation", "1")
        self._say(status, said, data)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815  (the base's names)

    def _ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        upstream = self.upstream()
        try:
            upstream.request(method, target, body, headers=dict(headers))
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers.items():
            if name.lower() == "content-length":
                length = value if self.command == "HEAD" else length
            elif name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
