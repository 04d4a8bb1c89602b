"""A null sink: an S3 server that takes uploads and forgets them, and serves made-up bytes.

    python -m benchmarks.transfer.sink [--host H] [--port P] [--certificate PEM] [--whole BUCKET]

It does as little as possible for each byte, so that clients are measured and not a server. Small
bodies (up to SMALL_BYTES: records, listings of ours) are kept; of others only how long they were,
and in their stead bytes of a fixed pattern are served. In buckets named with --whole all bodies are
kept in memory, but for zeros, which are counted: what comes back is what was sent.

It prints `ready PORT`; for each line on its standard input it prints what it did since the last as
one JSON object; it ends when its input does. Nothing is checked, anybody may write.
"""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import ssl
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from benchmarks.transfer.answers import Reply, Request, Service, plain
from benchmarks.transfer.objects import Piece, size_of

__all__ = ["Head", "Keeper", "Tally", "decoded", "head_of", "serve"]

SMALL_BYTES = 8 * 1024 * 1024
BUFFER_BYTES = 1024 * 1024
_ZEROS = bytes(BUFFER_BYTES)
_PATTERN = memoryview(random.Random(1).randbytes(BUFFER_BYTES) * 2)  # noqa: S311  (no secret)
_ENDLESS = memoryview(bytes(2 * BUFFER_BYTES))
_LEAST_ZEROS = 4096
"""A shorter run of zeros is not told from other bytes."""


@dataclass(slots=True)
class Tally:
    """What was done since it was last told."""

    requests: Counter[str] = field(default_factory=Counter)
    received: int = 0
    sent: int = 0

    def told(self) -> str:
        """As JSON; the count begins anew. CPU seconds are those of the whole process's life."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        said = {
            "requests": dict(self.requests),
            "received": self.received,
            "sent": self.sent,
            "cpu_s": round(used.ru_utime + used.ru_stime, 3),
        }
        self.requests.clear()
        self.received = self.sent = 0
        return json.dumps(said)


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a request; `length` is its body's, in bytes."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    length: int


def head_of(data: bytes) -> Head:
    """A request's head, without the empty line that ends it.

    Raises:
        ValueError: It is none.
    """
    first, *lines = data.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    path, _, query = target.partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    words = dict(parse_qsl(query, keep_blank_values=True))
    return Head(method, bucket, key, words, headers, int(headers.get("content-length", "0")))


def decoded(body: bytes) -> bytes:
    """The bytes of a body in S3's own chunks (aws-chunked), whose signatures are passed over."""
    found = list[bytes]()
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if not size:
            return b"".join(found)
        found.append(body[end + 2 : end + 2 + size])
        at = end + 4 + size


class Keeper:
    """Takes one body as it comes; `whole`: all of it, zeros as their number."""

    def __init__(self, head: Head, *, whole: bool) -> None:
        self._chunked = "x-amz-decoded-content-length" in head.headers
        self._size = int(head.headers.get("x-amz-decoded-content-length", head.length))
        self._keeps = whole or head.method == "POST" or head.length <= SMALL_BYTES
        self._counts_zeros = whole and not self._chunked
        self._pieces: list[Piece] = []

    def take(self, chunk: memoryview) -> None:
        """Some bytes; the buffer may be used again."""
        if not self._keeps:
            return
        data, size = bytes(chunk), len(chunk)
        if not self._counts_zeros or size < _LEAST_ZEROS or data != _ZEROS[:size]:
            self._pieces.append(data)
        elif self._pieces and isinstance(before := self._pieces[-1], int):
            self._pieces[-1] = before + size
        else:
            self._pieces.append(size)

    def body(self) -> tuple[Piece, ...]:
        """All of it."""
        if not self._keeps:
            return (self._size,) if self._size else ()
        if self._chunked:
            return (decoded(plain(self._pieces)),)
        return tuple(self._pieces)


class Connection(asyncio.BufferedProtocol):
    """One client's; requests are answered in order."""

    def __init__(self, service: Service, tally: Tally, whole: Collection[str]) -> None:
        self._service, self._tally, self._whole = service, tally, whole
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._begun = b""
        self._head: Head | None = None
        self._keeper: Keeper | None = None
        self._left = 0
        self._sending: asyncio.Task[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"{transport} is no stream")
        self._transport = transport
        transport.set_write_buffer_limits(high=4 * BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's)
        """See asyncio."""
        self._may_write.set()

    def pause_writing(self) -> None:
        """See asyncio."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._may_write.set()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  (asyncio's)
        """See asyncio."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio."""
        taken = self._take(self._buffer[:nbytes])
        if taken < nbytes:
            self._begun += bytes(self._buffer[taken:nbytes])
        self._go_on()

    def _take(self, chunk: memoryview) -> int:
        """Give the body under way what belongs to it; how many bytes those are."""
        size = min(self._left, len(chunk))
        if size and self._keeper:
            self._keeper.take(chunk[:size])
            self._left -= size
            self._tally.received += size
        return size

    def _go_on(self) -> None:
        """Answer what has come whole, until something must be waited for."""
        while self._sending is None:
            if self._head is None:
                head, end, rest = self._begun.partition(b"\r\n\r\n")
                if not end:
                    return
                self._begin(head_of(head))
                self._begun = rest[self._take(memoryview(rest)) :]
            if self._left:
                return
            self._answer()

    def _begin(self, head: Head) -> None:
        self._head, self._left = head, head.length
        self._keeper = Keeper(head, whole=head.bucket in self._whole)
        if "expect" in head.headers:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _answer(self) -> None:
        head, keeper = self._head, self._keeper
        if head is None or keeper is None:
            return
        self._head = self._keeper = None
        self._tally.requests[head.method] += 1
        reply = self._service.answer(
            Request(
                method=head.method,
                bucket=head.bucket,
                key=head.key,
                query=head.query,
                headers=head.headers,
                body=keeper.body(),
            )
        )
        self._transport.write(_first_lines(reply))
        if head.method == "HEAD" or not reply.body:
            return
        if len(reply.body) == 1 and isinstance(reply.body[0], bytes):
            self._tally.sent += len(reply.body[0])
            self._transport.write(reply.body[0])
        else:
            filling = _ENDLESS if head.bucket in self._whole else _PATTERN
            self._sending = asyncio.ensure_future(self._send(reply, filling))

    async def _send(self, reply: Reply, filling: memoryview) -> None:
        at = reply.start
        for piece in reply.body:
            for chunk in _chunks(piece, at, filling):
                if self._transport.is_closing():
                    return
                self._transport.write(chunk)
                self._tally.sent += len(chunk)
                await self._may_write.wait()
            at += size_of((piece,))
        self._sending = None
        self._go_on()


def _chunks(piece: Piece, at: int, filling: memoryview) -> Iterator[memoryview]:
    """A piece that lies at `at` in its object, as it is sent."""
    size, done = size_of((piece,)), 0
    kept = None if isinstance(piece, int) else memoryview(piece)
    while done < size:
        take = min(BUFFER_BYTES, size - done)
        start = done if kept else (at + done) % BUFFER_BYTES
        yield (kept or filling)[start : start + take]
        done += take


def _first_lines(reply: Reply) -> bytes:
    phrase = HTTPStatus(reply.status).phrase
    rows = [f"HTTP/1.1 {reply.status} {phrase}", "Server: null", "x-amz-request-id: 1"]
    rows += [f"{name}: {value}" for name, value in reply.headers.items()]
    if reply.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        rows.append(f"Content-Length: {size_of(reply.body)}")
    return ("\r\n".join(rows) + "\r\n\r\n").encode("latin-1")


async def serve(host: str, port: int, *, whole: Collection[str], certificate: str) -> None:
    """Serve until standard input ends."""
    service, tally = Service(time.time), Tally()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(service, tally, whole), host, port, ssl=context, backlog=1024
    )
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    ended = loop.create_future()

    def asked() -> None:
        if sys.stdin.readline():
            print(tally.told(), flush=True)
        elif not ended.done():
            ended.set_result(None)

    loop.add_reader(sys.stdin.fileno(), asked)
    await ended


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--certificate", default="", help="a file with certificate and key: TLS")
    parser.add_argument("--whole", action="append", default=[], metavar="BUCKET")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.host, given.port, whole=given.whole, certificate=given.certificate))


if __name__ == "__main__":
    main()
