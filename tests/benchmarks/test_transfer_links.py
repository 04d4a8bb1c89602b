"""The long line of benchmarks/transfer: never faster than it should be, and gone afterwards."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from benchmarks.transfer.links import GIGABIT, HUNDRED, LOOPBACK, queue_bytes, reason_without, way

SENT = 3_000_000
SERVER = f"""
import socket, time
place = socket.create_server(("10.219.0.2", 5000))
print("up", flush=True)
client, _ = place.accept()
client.sendall(client.recv(1))
come = len(client.recv(100))
began = time.monotonic()
while come < {SENT}:
    come += len(client.recv(1 << 20))
print(time.monotonic() - began)
"""
CLIENT = f"""
import socket, time
server = socket.create_connection(("10.219.0.2", 5000))
began = time.monotonic()
server.sendall(b"x")
server.recv(1)
print(time.monotonic() - began)
server.sendall(bytes({SENT}))
"""


def python(before: Sequence[str], code: str) -> subprocess.Popen[str]:
    words = [*before, sys.executable, "-S", "-E", "-c", code]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(bool(reason_without()), reason=reason_without())
def test_a_line_has_its_delay_and_its_rate_and_leaves_nothing() -> None:
    with way(HUNDRED) as line:
        server = python(line.server, SERVER)
        assert server.stdout
        assert server.stdout.readline() == "up\n"
        round_trip_s = float(python(line.client, CLIENT).communicate()[0])
        transfer_s = float(server.communicate()[0])
    assert round_trip_s >= 0.030
    assert transfer_s >= 0.95 * SENT * 8 / 100e6
    spaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    assert f"transfer-{os.getpid()}-" not in spaces.stdout


def test_loopback_is_no_line() -> None:
    with way(LOOPBACK) as there:
        assert (there.host, there.client, there.server) == ("127.0.0.1", (), ())


def test_a_line_queues_twice_what_it_holds() -> None:
    assert queue_bytes(GIGABIT) >= 2 * 1e9 / 8 * 0.03


def test_who_may_not_make_a_line_hears_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RuntimeError, match="needs root"), way(GIGABIT):
        pass
