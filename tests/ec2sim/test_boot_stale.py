"""What a killed run leaves, the next one removes; and nothing of others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ec2sim.reaping import TAGS, drop, mark, reap

ROOT = Path(__file__).parent.parent.parent
KILLED = """
import sys, time
from pathlib import Path
from tests.ec2sim.bootworld import Box, World, script
from tests.ec2sim.house import House
world = World(House(directory=Path(sys.argv[1])))
one = world.booted(Box(id="i-1", nvme_gb=1, user_data=script("sleep 1000")))
two = world.booted(Box(id="i-2", private_ip="172.31.0.12", user_data=script("sleep 1000")))
world.machines.hang("i-2")
print(world.machines.tag, flush=True)
time.sleep(1000)
"""


def groups(tag: str, name: str = "*") -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/ec2sim/{tag}/{name}/"))


def processes(tag: str, name: str = "*") -> set[str]:
    lists = [group / "cgroup.procs" for group in groups(tag, name)]
    return {word for place in lists for word in place.read_text(encoding="ascii").split()}


@pytest.mark.alone  # other runs reap, too
def test_a_killed_runs_machines_end_and_its_traces_are_reaped(
    can_boot: None, tmp_path: Path
) -> None:
    command = (sys.executable, "-c", KILLED, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        assert run.stdout is not None
        tag = run.stdout.readline().strip()
        before = processes(tag)
        run.send_signal(signal.SIGKILL)
    assert len(before) >= 4
    until = time.monotonic() + 5
    while processes(tag, "i-1") and time.monotonic() < until:
        time.sleep(0.05)
    assert not processes(tag, "i-1")
    assert processes(tag, "i-2")  # time stands still there
    assert tag in reap()
    assert not groups(tag)
    assert not (TAGS / tag).exists()
    devices = subprocess.run(("losetup", "--list"), check=True, capture_output=True, text=True)
    assert str(tmp_path) not in devices.stdout


def test_a_run_that_lives_is_left_alone(can_boot: None) -> None:
    mark(f"test{os.getpid()}")
    try:
        assert f"test{os.getpid()}" not in reap()
        assert (TAGS / f"test{os.getpid()}").exists()
    finally:
        drop(f"test{os.getpid()}")
