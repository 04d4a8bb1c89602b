"""HTTP/1.1 over sockets of our own: bodies leave from the caller's memory, and come into it."""

import errno
import http.client
import os
import select
import socket
import ssl
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from cryoem_cloud.ports.parts import Buffer
from cryoem_cloud.ports.span import FileSpan
from cryoem_cloud.stores.s3.faults import InsecureError

__all__ = ["Answer", "Request", "Route", "Wire"]

_CONNECT_TIMEOUT_S = 2.5
_ANSWER_TIMEOUT_S = 20.0
"""Between two pieces, in either direction; see `client`, where the same holds."""
_LAST_WORD_S = 2.0
"""For the answer of a server that does not take the rest of a request."""
_SLICE_BYTES = 256 * 1024
"""Is sent within the time-out even by a line that takes 13 kB/s."""
_UNSENT_BYTES = 256 * 1024
"""What the kernel holds beside what is under way; more would delay an answer beyond its time."""
_PIECE_BYTES = 1024 * 1024
"""Is read at a time; as much may have come, and be lost, before a connection breaks."""
_MOST_ANSWER_BYTES = 8 * 1024 * 1024
"""Of an answer that is read whole; the longest, a page of parts, has about 300 kB."""
_NOT_SENDING = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""What `sendfile` says of a file whose system does not know how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, once; `pieces` are its body."""

    method: str
    target: str
    headers: Mapping[str, str]
    pieces: Sequence[Buffer] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a server is reached: with TLS if there is a context, and through a proxy if one is named.

    `origin` is what a proxy without TLS has to be told: `http://host:port`.
    """

    origin: str
    host: str
    port: int
    tls: ssl.SSLContext | None = None
    proxy: tuple[str, int] | None = None
    proxy_headers: Mapping[str, str]

    def connected(self) -> http.client.HTTPConnection:
        """A new connection.

        Raises:
            InsecureError: It would not be secure.
            OSError: Nobody answers.
        """
        host, port = self.proxy or (self.host, self.port)
        if self.tls is None:
            made = http.client.HTTPConnection(host, port, timeout=_CONNECT_TIMEOUT_S)
        else:
            made = http.client.HTTPSConnection(
                host, port, timeout=_CONNECT_TIMEOUT_S, context=self.tls
            )
            if self.proxy:
                made.set_tunnel(self.host, self.port, dict(self.proxy_headers))
        try:
            made.connect()  # without Nagle's delay: http.client sees to that
            _tune(made.sock)
        except ssl.SSLError as error:
            made.close()
            raise InsecureError(f"{self.origin}: {error}") from error
        except BaseException:
            made.close()
            raise
        return made

    def addressed(self, request: Request) -> tuple[str, Mapping[str, str]]:
        """The request's target and headers, as the next hop wants them."""
        if self.proxy and self.tls is None:
            return self.origin + request.target, {**request.headers, **self.proxy_headers}
        return request.target, request.headers


def _tune(sock: socket.socket) -> None:
    sock.settimeout(_ANSWER_TIMEOUT_S)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)


class Answer:
    """A status, headers (by their names in lower case), and a body that is still to be read."""

    def __init__(self, response: http.client.HTTPResponse, *, last: bool) -> None:
        self._response = response
        self._last = last
        self.come = 0
        """Bytes of the body that were read."""
        self.status = response.status
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, value in response.getheaders()
        }

    @property
    def goes_on(self) -> bool:
        """The body was read, and the connection is good for another request."""
        return self._response.isclosed() and not self._response.will_close and not self._last

    def read(self) -> bytes:
        """The whole body.

        Raises:
            HTTPException, OSError: It breaks off, or is longer than any that we asked for.
        """
        data = self._response.read(_MOST_ANSWER_BYTES)
        self.come += len(data)
        if self._response.length:
            raise http.client.IncompleteRead(data, self._response.length)
        if not self._response.isclosed() and self._response.read(1):
            raise http.client.HTTPException("an answer without end")
        return data

    def read_into(self, view: memoryview) -> int:
        """Put the body's next bytes into the view, which is not empty; their number, 0 at its end.

        Raises:
            HTTPException, OSError: It breaks off.
        """
        come = self._response.readinto(view[:_PIECE_BYTES])
        self.come += come
        if not come and self._response.length:
            raise http.client.IncompleteRead(b"", self._response.length)
        return come

    def read_piece(self, most: int) -> bytes:
        """The body's next bytes, as many if there are; none at its end.

        Raises:
            HTTPException, OSError: It breaks off.
        """
        data = self._response.read(most)
        self.come += len(data)
        if len(data) < most and self._response.length:
            raise http.client.IncompleteRead(data, self._response.length)
        return data

    def close(self) -> None:
        """Whatever is left is not read."""
        self._response.close()


class Wire:
    """Requests to one server, each of which is made once. Safe for threads.

    There are as many connections as there were requests at a time; they are used again.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._idle: deque[http.client.HTTPConnection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    @contextmanager
    def ask(self, request: Request) -> Iterator[Answer]:
        """The answer to a request, while the block lasts.

        Raises:
            InsecureError, HTTPException, OSError: There is none.
        """
        connection = self._connection()
        answer: Answer | None = None
        try:
            answer = _exchanged(connection, request, self._route)
            yield answer
        finally:
            if answer and answer.goes_on:
                self._idle.append(connection)
            else:
                if answer:
                    answer.close()
                connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        with suppress(IndexError):
            while True:
                idle = self._idle.pop()
                if not _has_said(idle.sock):
                    return idle
                idle.close()  # the server has hung up meanwhile
        return self._route.connected()


def _has_said(sock: socket.socket) -> bool:
    """Whether a connection on which nothing is asked has something to read: its end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _close_all(idle: deque[http.client.HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def _exchanged(connection: http.client.HTTPConnection, request: Request, route: Route) -> Answer:
    target, headers = route.addressed(request)
    try:
        _send(connection, request, target, headers)
    except TimeoutError:
        raise
    except OSError as error:
        return _last_word(connection, error)
    return Answer(connection.getresponse(), last=False)


def _send(
    connection: http.client.HTTPConnection,
    request: Request,
    target: str,
    headers: Mapping[str, str],
) -> None:
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    pieces, sock = request.pieces, connection.sock
    if isinstance(pieces, FileSpan) and not isinstance(sock, ssl.SSLSocket):
        pieces = _left_of(sock, pieces)
    for piece in pieces:
        view = memoryview(piece).cast("B")
        while view:
            view = view[sock.send(view[:_SLICE_BYTES]) :]


def _left_of(sock: socket.socket, span: FileSpan) -> Sequence[Buffer]:
    """Have the kernel send the file's bytes; all of them, where it cannot do so for this file."""
    at, end = span.start, span.start + span.length
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while at < end:
        if not poll.poll(_ANSWER_TIMEOUT_S * 1000):
            raise TimeoutError
        try:
            sent = os.sendfile(sock.fileno(), span.file.opened(), at, min(_SLICE_BYTES, end - at))
        except BlockingIOError:
            continue
        except OSError as error:
            if at == span.start and error.errno in _NOT_SENDING:
                return span
            raise
        if not sent:
            raise OSError(errno.EIO, "a file ended early")
        at += sent
    return ()


def _last_word(connection: http.client.HTTPConnection, error: OSError) -> Answer:
    """Why a server hung up before it had the whole request, if it said so; else raises `error`."""
    try:
        connection.sock.settimeout(_LAST_WORD_S)
        response = connection.getresponse()
    except (OSError, http.client.HTTPException):
        raise error from None
    if response.status < HTTPStatus.BAD_REQUEST:
        response.close()
        raise error
    return Answer(response, last=True)
