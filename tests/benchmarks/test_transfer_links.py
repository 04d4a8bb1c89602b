"""The long line of benchmarks/transfer: never faster than it should be, and gone afterwards."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from benchmarks.transfer.links import GIGABIT, HUNDRED, LOOPBACK, queue_bytes, reason_without, way

PACKETS, BYTES = 80, 1400
SERVER = f"""
import socket, time
place = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
place.bind(("10.219.0.2", 5000))
print("up", flush=True)
for _ in range({PACKETS}):
    place.recv({BYTES})
print(time.monotonic())
"""
CLIENT = f"""
import socket, time
place = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(time.monotonic())
for _ in range({PACKETS}):
    place.sendto(bytes({BYTES}), ("10.219.0.2", 5000))
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
        sent_s = float(python(line.client, CLIENT).communicate()[0])
        come_s = float(server.communicate()[0])
    assert come_s - sent_s >= 0.015 + PACKETS * BYTES * 8 / 100e6
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
