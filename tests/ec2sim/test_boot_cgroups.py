"""Control groups, in both of the kernel's versions."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ec2sim.cgroups import Cgroup, sweep

ROOTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
TAG = f"test{os.getpid()}"


@pytest.fixture(params=ROOTS, ids=str)
def root(request: pytest.FixtureRequest, can_boot: None) -> Iterator[Path]:
    found: Path = request.param
    if not (found / "cgroup.procs").exists() and not (found / "cpu").exists():
        pytest.skip(f"needs {found}")
    yield found
    assert not list(found.glob(f"**/ec2sim/{TAG}"))


def counting(place: Path, group: Cgroup) -> subprocess.Popen[bytes]:
    counts = f"n=0; while :; do n=$((n+1)); echo $n >{place}; done"
    process = subprocess.Popen(("sh", "-c", counts))
    for folder in group.folders:
        (folder / "cgroup.procs").write_text(str(process.pid), encoding="ascii")
    return process


def test_time_stops_in_a_group_and_what_is_in_it_ends(root: Path, tmp_path: Path) -> None:
    group = Cgroup.make(f"{TAG}/i-1", cpus=0.5, memory_bytes=2**26, root=root)
    place = tmp_path / "n"
    with counting(place, group) as process:
        while not place.exists() or group.usage().cpu_s < 0.05:
            time.sleep(0.01)
        group.freeze(frozen=True)
        time.sleep(0.1)
        stood = place.read_text(encoding="ascii")
        time.sleep(0.2)
        assert place.read_text(encoding="ascii") == stood
        assert group.processes() == {process.pid}
        sweep(TAG, root)
    assert not any(folder.exists() for folder in group.folders)


def test_a_group_has_its_share_of_the_processors(root: Path, tmp_path: Path) -> None:
    group = Cgroup.make(f"{TAG}/i-2", cpus=0.2, memory_bytes=2**26, root=root)
    if not any((folder / "cpu.cfs_quota_us").exists() for folder in group.folders) and not any(
        (folder / "cpu.max").exists() for folder in group.folders
    ):
        group.remove()
        pytest.skip(f"{root} has no cpu controller")
    with counting(tmp_path / "n", group):
        time.sleep(1.0)
        used = group.usage().cpu_s
        group.kill()
        group.remove()
    assert used < 0.4


def test_limits_are_written_in_the_second_version(tmp_path: Path) -> None:
    folder = tmp_path / "ec2sim/tag/i-1"
    folder.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").touch()
    for name in ("cpu.max", "memory.max"):
        (folder / name).touch()
    Cgroup.make("tag/i-1", cpus=1.5, memory_bytes=1024, root=tmp_path)
    assert (folder / "cpu.max").read_text(encoding="ascii") == "150000 100000"
    assert (folder / "memory.max").read_text(encoding="ascii") == "1024"
