"""The local provider keeps the contract; its machines are processes that really end."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.local import LocalProvider
from cryoem_cloud.testing.provider_contract import Bench, ProviderContract

pytestmark = pytest.mark.filterwarnings(
    # Machines outlive the objects that started them on purpose.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)

_AGENT = """\
import pathlib, subprocess, sys, time
words = sys.argv[1:]
machine = pathlib.Path(words[words.index("--machine") + 1])
said = sys.stdin.read()
if (machine.parent.parent / "bad").exists():
    sys.exit("no luck")
child = subprocess.Popen(["sleep", "1000"])
(machine / "child").write_text(str(child.pid))
(machine / "said").write_text(said)
(machine / "scratch").mkdir()
(machine / "scratch" / "big").write_text("bytes")
(machine / "up").touch()
while not (machine / "leave").exists():
    if (machine / "work").exists():
        (machine / "worked").touch()
    time.sleep(0.02)
(machine / "left").touch()
child.kill()
"""


class LocalBench:
    """Machines of this computer that do nothing until they are told to leave."""

    def __init__(self, top: Path) -> None:
        self.root = top / "machines"
        self.root.mkdir()
        self._agent = top / "agent.py"
        self._agent.write_text(_AGENT)

    @property
    def provider(self) -> LocalProvider:
        return LocalProvider(self.root, (sys.executable, "-I", str(self._agent)))

    def boot_well(self, *, well: bool) -> None:
        if well:
            (self.root / "bad").unlink()
        else:
            (self.root / "bad").touch()

    def crash(self, machine: str) -> None:
        folder = self.folder(machine)
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        os.kill(int((folder / "child").read_text()), signal.SIGKILL)

    def work(self, machine: str) -> None:
        (self.folder(machine) / "work").touch()
        until = time.monotonic() + 20
        while not (self.folder(machine) / "worked").exists():
            assert time.monotonic() < until
            time.sleep(0.01)

    def leave(self, machine: str) -> None:
        (self.folder(machine) / "leave").touch()

    def folder(self, machine: str) -> Path:
        return next(self.root.glob(f"*/{machine}"))


@pytest.fixture
def bench(tmp_path: Path) -> LocalBench:
    return LocalBench(tmp_path)


class TestLocal(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return LocalBench(tmp_path)


def order(**other: object) -> Order:
    fields: dict[str, object] = {"store": "file:///x", "project": "p", "job": 1, "count": 1}
    return Order(token="t", **(fields | other))  # type: ignore[arg-type]  # fields come by name


def started(bench: LocalBench) -> Path:
    """The folder of a machine that is up."""
    fleet = bench.provider.keep(order(environment={"A": "b c"}, umask=0o027))
    folder = bench.folder(fleet.machines[0].name)
    until = time.monotonic() + 20
    while not (folder / "up").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    return folder


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_an_end_reaches_every_process_and_the_disk(bench: LocalBench) -> None:
    folder = started(bench)
    child = int((folder / "child").read_text())
    assert lives(child)
    bench.provider.end("t")
    assert not (folder / "scratch").exists()
    until = time.monotonic() + 5
    while lives(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_lost_machines_disk_is_swept_when_it_is_replaced(bench: LocalBench) -> None:
    folder = started(bench)
    bench.crash(folder.name)
    until = time.monotonic() + 5
    while (folder / "scratch").exists():
        bench.provider.keep(order())
        assert time.monotonic() < until
    bench.provider.end("t")


def test_the_environment_reaches_the_agent_and_no_disk_of_ours(bench: LocalBench) -> None:
    folder = started(bench)
    assert json.loads((folder / "said").read_text()) == {"environment": {"A": "b c"}, "umask": 23}
    ours = [path for path in folder.iterdir() if path.is_file() and path.name != "said"]
    assert not any(b"b c" in path.read_bytes() for path in ours)
    bench.provider.end("t")


def test_a_command_that_is_not_there_is_a_boot_failure(tmp_path: Path) -> None:
    provider = LocalProvider(tmp_path, ("/no/such/agent",))
    for _ in range(12):
        provider.keep(order())
    fleet = provider.look("t")
    assert (len(fleet.machines), fleet.alive) == (10, ())
    assert "/no/such/agent" in fleet.failure_log


def test_a_recycled_pid_is_not_taken_for_a_machine(bench: LocalBench) -> None:
    folder = started(bench)
    bench.crash(folder.name)
    victim = os.getpid()
    (folder / "pid").write_text(str(victim))
    bench.provider.end("t")  # would end this very process
    shutil.rmtree(bench.root)
