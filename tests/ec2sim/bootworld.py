"""What tests of machines that boot need: instances by hand, an API that notes, and a last look."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import socket
from socketserver import BaseServer

from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.house import House, missing
from tests.ec2sim.seam import Credentials, Ingress, Machines, MetadataOptions, SpotAction, Why

__all__ = ["Api", "Box", "World", "reason_not_to_boot", "script"]

SECONDS = 20.0
"""How long a test waits for something at most."""
_CONTROLLERS = ("", "cpu", "cpuacct", "memory", "freezer", "pids")


def script(*lines: str) -> bytes:
    """User-data: a shell script. `note WORD` in it tells the API."""
    curl = "curl -sS --max-time 10 --data-binary"
    note = f'note() {{ {curl} "$*" "$AWS_ENDPOINT_URL/" ; }}'
    return "\n".join(("#!/bin/sh", note, *lines, "")).encode()


@dataclass(kw_only=True)
class Box:
    """An instance as a test wants it."""

    id: str = "i-0001"
    user_data: bytes = b""
    region: str = "us-east-1"
    zone: str = "us-east-1a"
    type: str = "c5.large"
    image: str = "ami-12345678"
    vcpus: int = 2
    memory_mib: int = 512
    nvme_gb: int = 0
    private_ip: str = "172.31.0.11"
    network: str = "172.31.0.0/16"
    ingress: Sequence[Ingress] = ()
    public_key: str = ""
    account: str = "123456789012"
    role_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: MetadataOptions = field(
        default=MetadataOptions(enabled=True, token_required=True, hop_limit=1, tags_enabled=False)
    )
    shutdown_behavior: str = "terminate"
    market: str = "on-demand"
    lifecycle_target: str = ""
    spot_action: SpotAction | None = None
    rebalance_at: datetime | None = None

    @property
    def profile_arn(self) -> str:
        return f"arn:aws:iam::{self.account}:instance-profile/{self.role_name}"

    def credentials(self) -> Credentials:
        until = datetime.now(UTC) + timedelta(hours=6)
        return Credentials(f"ASIA{self.role_name}", "secret", "session", until)


class Api:
    """The other half: what machines tell it, and what programs on them say to the endpoint."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.notes: list[tuple[str, str]] = []
        """The address and the words of each."""
        self._changed = threading.Condition()

    def running(self, instance_id: str) -> None:
        self._tell("running", instance_id)

    def ended(self, instance_id: str, why: Why) -> None:
        self._tell("ended", instance_id, why)

    def impaired(self, instance_id: str) -> None:
        self._tell("impaired", instance_id)

    def serve(self, listening: socket) -> Callable[[], None]:
        server = _Endpoint(listening, self)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()

        def stop() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        return stop

    def note(self, address: str, words: str) -> None:
        with self._changed:
            self.notes.append((address, words))
            self._changed.notify_all()

    def words(self) -> list[str]:
        return [words for _, words in self.notes]

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for it; it is looked at whenever something is told, and often."""
        end = time.monotonic() + SECONDS
        with self._changed:
            while not true():
                assert time.monotonic() < end, f"{self.told} {self.notes}"
                self._changed.wait(0.05)

    def until_told(self, *what: str) -> None:
        self.until(lambda: what in self.told)

    def until_noted(self, words: str) -> None:
        self.until(lambda: words in self.words())

    def _tell(self, *what: str) -> None:
        with self._changed:
            self.told.append(what)
            self._changed.notify_all()


class _Endpoint(HTTPServer):
    def __init__(self, listening: socket, api: Api) -> None:
        BaseServer.__init__(self, listening.getsockname(), _Note)
        self.socket = listening
        self.api = api


class _Note(BaseHTTPRequestHandler):
    server: _Endpoint

    def do_POST(self) -> None:
        words = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.api.note(self.client_address[0], words)
        self._answer(b"")

    def do_GET(self) -> None:
        """So many bytes as the path says."""
        self._answer(bytes(int(self.path.strip("/") or 0)))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        """Be quiet."""


def reason_not_to_boot() -> str:
    """Why no machine can boot here; empty if one can."""
    if os.geteuid():
        return "needs root"
    if why := missing():
        return why
    folder = Path(tempfile.mkdtemp())
    try:
        for name in ("lower", "upper", "work", "root"):
            (folder / name).mkdir()
        layers = "lowerdir=lower,upperdir=upper,workdir=work"
        mount = ("mount", "-t", "overlay", "overlay", "-o", layers, "root")
        tried = subprocess.run(
            ("unshare", "--mount", *mount), cwd=folder, check=False, capture_output=True, text=True
        )
    finally:
        shutil.rmtree(folder)
    return f"needs overlayfs: {tried.stderr.strip()}" if tried.returncode else ""


class World:
    """A tier of machines with its API, and what the host was like before."""

    def __init__(self, house: House) -> None:
        self._before = _host()
        self.api = Api()
        self.machines = BootedMachines(house)
        tier: Machines = self.machines
        tier.open(self.api)

    def boot(self, box: Box) -> Box:
        self.machines.boot(box)
        return box

    def booted(self, box: Box) -> Box:
        self.boot(box)
        self.api.until_told("running", box.id)
        return box

    def output(self, box: Box, *command: str) -> str:
        done = self.machines.run(box.id, *command)
        assert not done.returncode, done.stderr
        return done.stdout

    def close(self) -> None:
        """End it, and see that nothing of it is left."""
        tag = self.machines.tag
        self.machines.close()
        assert not Path("/run/ec2sim", tag).exists()
        groups = [Path("/sys/fs/cgroup", name, "ec2sim", tag) for name in _CONTROLLERS]
        assert not any(group.exists() for group in groups), groups
        left = _processes_of(tag)
        assert not left, left
        after = _host()
        assert after == self._before, (after, self._before)
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        assert str(self.machines.house.directory) not in mounts
        devices = subprocess.run(("losetup", "--list"), check=True, capture_output=True, text=True)
        assert str(self.machines.house.directory) not in devices.stdout


def _host() -> dict[str, list[str]]:
    """What of this process a machine could have left something in."""
    held = []
    for place in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of this loop
            held.append(str(place.readlink()))
    return {
        "held": sorted(name for name in held if name.startswith("net:")),
        "threads": sorted(thread.name for thread in threading.enumerate()),
    }


def _processes_of(tag: str) -> list[str]:
    """Those in the control groups of a run, and those around them. What no process is in, and
    nobody holds, is no namespace any more.
    """
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            about = (place / "cmdline").read_bytes() + (place / "cgroup").read_bytes()
            if tag.encode() in about:
                found.append(str(place))
    return found
