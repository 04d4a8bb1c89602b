"""A proxy before an HTTP server that does to requests and answers what networks do.

```python
with faulty_proxy(server.endpoint) as proxy:
    store = open_store(url, env={**server.env(), "AWS_ENDPOINT_URL": proxy.endpoint})
    proxy.trouble(Trouble(status=503), Trouble(lost=True))  # for the next two requests
```
"""

import http.client
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

__all__ = ["FaultyProxy", "Trouble", "faulty_proxy"]

_PIECE = 64 * 1024
_DRIP = 1024
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "expect", "content-length"})
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing resets the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What happens to one request; by default, nothing.

    `status` is answered at once, without asking the server, with `code` as S3 says it. `lost`: the
    server does it, and the connection ends without an answer. `late_s`: the connection ends, and
    the server does it so much later. `reset_after` and `cut_after` bytes of the answer's body the
    connection is reset, or closed in order. `drip_s` passes between 1 KiB and the next. `garble`
    turns a bit of the request's body, `garble_answer` one of the answer's. `silent_s` goes by,
    after the server has done what it does, before anything of this is heard.

    `within` bytes of the request's body, nothing more of it is taken: `reset` or `status` come
    then; without them the server gets that much, and the connection ends. `sip_s` passes between
    64 KiB of it and the next. `after_s` is what a `status` gives as Retry-After.
    """

    reset: bool = False
    status: int = 0
    code: str = ""
    lost: bool = False
    late_s: float = 0.0
    reset_after: int | None = None
    cut_after: int | None = None
    drip_s: float = 0.0
    garble: bool = False
    garble_answer: bool = False
    within: int | None = None
    sip_s: float = 0.0
    after_s: int | None = None
    silent_s: float = 0.0


@dataclass
class FaultyProxy:
    """A running proxy; `delay_s` goes by before a request and again before its answer."""

    endpoint: str
    delay_s: float = 0.0
    requests: list[str] = field(default_factory=list)
    """Method and path of every request that came, troubled or not."""
    rule: Callable[[Mapping[str, str]], Trouble] | None = None
    """What happens to a request with these headers, as long as no trouble is planned.

    `:method` and `:path` are among them, as HTTP/2 has it.
    """
    done: Callable[[str], None] = lambda _: None
    """Told of each request that the server has granted, before its answer is passed on."""
    _troubles: deque[Trouble] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trouble(self, *troubles: Trouble) -> None:
        """What happens to the next requests, in order; nothing to those after them."""
        with self._lock:
            self._troubles.extend(troubles)

    def next(self, request: str, headers: Mapping[str, str]) -> Trouble:
        """Note a request, and say what happens to it."""
        rule = self.rule or (lambda _: Trouble())
        with self._lock:
            self.requests.append(request)
            return self._troubles.popleft() if self._troubles else rule(headers)


@contextmanager
def faulty_proxy(endpoint: str, *, tls: ssl.SSLContext | None = None) -> Iterator[FaultyProxy]:
    """A proxy on loopback before the server at `endpoint` (http://host:port), with TLS or not."""
    target = urlsplit(endpoint)
    host, port = target.hostname or "", target.port or 80
    proxy = FaultyProxy(endpoint="")

    class Handler(_Handler):
        def upstream(self) -> http.client.HTTPConnection:
            return http.client.HTTPConnection(host, port, timeout=60)

        def proxy(self) -> FaultyProxy:
            return proxy

    with _Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        proxy.endpoint = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that connections break is what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def upstream(self) -> http.client.HTTPConnection:
        raise NotImplementedError

    def proxy(self) -> FaultyProxy:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base's name)
        """Say nothing."""

    def forward(self) -> None:
        """Take one request through what the plan says happens to it."""
        asked = {":method": self.command, ":path": self.path}
        trouble = self.proxy().next(f"{self.command} {self.path}", {**self.headers, **asked})
        body = self._body(trouble)
        if trouble.reset:
            time.sleep(trouble.silent_s)
            self._reset()
            return
        if trouble.garble and body:
            body = _garbled(body)
        time.sleep(self.proxy().delay_s)
        if trouble.status:
            self._refuse(trouble)
            self.close_connection = trouble.within is not None
            return
        if trouble.within is not None:
            self._cut_short(body)
            return
        if trouble.late_s:
            threading.Thread(target=self._later, args=(body, trouble.late_s), daemon=True).start()
            self._reset()
            return
        upstream = self.upstream()
        try:
            answer = self._answer(upstream, body)
            time.sleep(self.proxy().delay_s + trouble.silent_s)
            if trouble.lost:
                answer.read()
                self._reset()
            else:
                self._pass_on(answer, trouble)
        finally:
            upstream.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815  (the base's names)

    def _body(self, trouble: Trouble) -> bytes:
        """As much of the request's body as is taken."""
        whole = int(self.headers.get("Content-Length") or 0)
        if trouble.within is None and trouble.reset:
            return b""
        left = whole if trouble.within is None else min(whole, trouble.within)
        pieces = []
        while left and (piece := self.rfile.read(min(left, _PIECE))):
            pieces.append(piece)
            left -= len(piece)
            time.sleep(trouble.sip_s)
        return b"".join(pieces)

    def _cut_short(self, body: bytes) -> None:
        """Have the server wait for the rest of a request that never comes."""
        upstream = self.upstream()
        try:
            self._ask(upstream, body, int(self.headers["Content-Length"]))
        finally:
            upstream.close()
            self._reset()

    def _later(self, body: bytes, seconds: float) -> None:
        """Have the server do it when nobody listens any more."""
        time.sleep(seconds)
        upstream = self.upstream()
        with suppress(OSError, http.client.HTTPException):
            self._answer(upstream, body).read()
        upstream.close()

    def _answer(
        self, upstream: http.client.HTTPConnection, body: bytes
    ) -> http.client.HTTPResponse:
        """What the server says, once it has been told to whom it matters."""
        self._ask(upstream, body, len(body))
        answer = upstream.getresponse()
        if answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
            self.proxy().done(f"{self.command} {self.path}")
        return answer

    def _ask(self, upstream: http.client.HTTPConnection, body: bytes, length: int) -> None:
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP:
                upstream.putheader(name, value)
        upstream.putheader("Content-Length", str(length))
        upstream.endheaders(body)

    def _pass_on(self, answer: http.client.HTTPResponse, trouble: Trouble) -> None:
        said = answer.getheader("Content-Length")
        length = None if said is None else int(said)
        headers = [item for item in answer.getheaders() if item[0].lower() not in _HOP]
        self._head(answer.status, answer.reason, headers, length)
        left = min(
            limit
            for limit in (trouble.reset_after, trouble.cut_after, float("inf"))
            if limit is not None
        )
        piece_bytes = _DRIP if trouble.drip_s else _PIECE
        while left and (piece := answer.read(int(min(left, piece_bytes)))):
            self.wfile.write(_garbled(piece) if trouble.garble_answer else piece)
            left -= len(piece)
            time.sleep(trouble.drip_s)
        if trouble.reset_after is not None:
            self._reset()
        if trouble.cut_after is not None or self._is_endless(answer.status, length):
            self.close_connection = True

    def _is_endless(self, status: int, length: int | None) -> bool:
        """Whether only the end of the connection ends the answer."""
        without = self.command == "HEAD" or status == http.HTTPStatus.NO_CONTENT
        return length is None and not without and status >= http.HTTPStatus.OK

    def _head(
        self, status: int, reason: str, headers: list[tuple[str, str]], length: int | None
    ) -> None:
        self.send_response_only(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        if self._is_endless(status, length):
            self.send_header("Connection", "close")
        elif status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(length or 0))
        self.end_headers()

    def _refuse(self, trouble: Trouble) -> None:
        said = f"<Error><Code>{trouble.code}</Code></Error>".encode() if trouble.code else b""
        after = [] if trouble.after_s is None else [("Retry-After", str(trouble.after_s))]
        self._head(trouble.status, "troubled", after, len(said))
        if self.command != "HEAD":
            self.wfile.write(said)

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.close()


def _garbled(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]
