"""The instance metadata service: one server, one hop away from every machine, at 169.254.169.254.

It knows who asks by the address. Being one hop away, a hop limit of 1 works as in EC2: the reply
with the token reaches the machine, and not a container behind it.
"""

import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socket import IP_TTL, IPPROTO_IP, socket
from socketserver import BaseServer, TCPServer, ThreadingMixIn
from urllib.parse import unquote

from tests.ec2sim.metadata import VERSIONS, credentials, listing, metadata
from tests.ec2sim.seam import Instance

__all__ = ["MetadataService"]

_LONGEST_TTL_S = 21600
_PLAIN_TTL = 64
_TOKEN_PATH = "/latest/api/token"
_TTL = "X-aws-ec2-metadata-token-ttl-seconds"


class Tokens:
    """Session tokens; one is good for the machine that was given it, until it expires."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def give(self, instance_id: str, seconds: int) -> str:
        """A new one."""
        token = secrets.token_urlsafe(42)
        self._until[instance_id, token] = time.monotonic() + seconds
        return token

    def good(self, instance_id: str, token: str) -> bool:
        """Whether the machine may use it."""
        return self._until.get((instance_id, token), 0.0) > time.monotonic()


class _Server(ThreadingMixIn, TCPServer):
    daemon_threads = True

    def __init__(self, listening: socket, find: Callable[[str], Instance | None]) -> None:
        BaseServer.__init__(self, listening.getsockname(), _Asked)
        self.socket = listening
        self.find = find
        self.tokens = Tokens()
        self.booted: dict[str, datetime] = {}


class _Asked(BaseHTTPRequestHandler):
    """One request; the connection ends with it, as in EC2."""

    server: _Server
    server_version = "EC2ws"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 5.0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        """Be quiet."""

    def do_PUT(self) -> None:
        instance = self.server.find(self.client_address[0])
        if instance is None or self.path != _TOKEN_PATH:
            return self._answer(HTTPStatus.NOT_FOUND)
        if not instance.metadata.enabled or "X-Forwarded-For" in self.headers:
            return self._answer(HTTPStatus.FORBIDDEN)
        asked = self.headers.get(_TTL, "")
        if not asked.isdecimal() or not 1 <= int(asked) <= _LONGEST_TTL_S:
            return self._answer(HTTPStatus.BAD_REQUEST)
        self.connection.setsockopt(IPPROTO_IP, IP_TTL, instance.metadata.hop_limit)
        token = self.server.tokens.give(instance.id, int(asked))
        return self._answer(HTTPStatus.OK, token.encode(), **{_TTL: asked})

    def do_GET(self) -> None:
        instance = self.server.find(self.client_address[0])
        if instance is None:
            return self._answer(HTTPStatus.NOT_FOUND)
        if not instance.metadata.enabled:
            return self._answer(HTTPStatus.FORBIDDEN)
        token = self.headers.get("X-aws-ec2-metadata-token")
        if token is None and instance.metadata.token_required:
            return self._answer(HTTPStatus.UNAUTHORIZED)
        if token is not None and not self.server.tokens.good(instance.id, token):
            return self._answer(HTTPStatus.UNAUTHORIZED)
        body = self._body(instance)
        if body is None:
            return self._answer(HTTPStatus.NOT_FOUND)
        return self._answer(HTTPStatus.OK, body)

    def _body(self, instance: Instance) -> bytes | None:
        version, _, path = unquote(self.path.partition("?")[0]).strip("/").partition("/")
        if not version:
            return "\n".join(VERSIONS).encode()
        if version not in VERSIONS:
            return None
        if path == "user-data":
            return instance.user_data or None
        now = datetime.now(UTC)
        booted_at = self.server.booted.setdefault(instance.id, now)
        leaves = metadata(instance, booted_at=booted_at, now=now)
        if path == f"meta-data/iam/security-credentials/{instance.role_name}":
            return credentials(instance, now).encode() if instance.role_name else None
        if instance.user_data:
            leaves["user-data"] = ""
        return (leaves.get(path) or listing(leaves, path)).encode() or None

    def _answer(self, status: HTTPStatus, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", _content_type(body))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _content_type(body: bytes) -> str:
    return "application/json" if body.startswith(b"{") else "text/plain"


class MetadataService:
    """Answers all machines from now on, until it is closed."""

    def __init__(self, listening: socket, find: Callable[[str], Instance | None]) -> None:
        self._server = _Server(listening, find)
        serve = {"poll_interval": 0.05}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=serve)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
