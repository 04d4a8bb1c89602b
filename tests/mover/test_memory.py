"""What a process has in memory depends on no file's size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cryoem_cloud.model.file import BLOCK_BYTES
from tests.mover.measuring import KEY, PROJECT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's figure is Linux's")

MB = 1_000_000
SDK_BYTES = 30 * MB
"""What the SDK of a real store takes besides (28 MB for botocore's S3 client)."""


def peak(way: str, path: Path, encoding: str) -> int:
    command = [sys.executable, "-m", "tests.mover.measuring", way, str(path), encoding]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


@pytest.mark.parametrize("encoding", ["none", "auto"])
def test_a_sender_takes_no_more_than_256_mb(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "movie.mrc"
    with path.open("wb") as file:
        file.truncate(64 * BLOCK_BYTES)
    assert peak("send", path, encoding) + SDK_BYTES <= 256 * MB


def test_a_receiver_takes_no_more_than_100_mb(tmp_path: Path) -> None:
    path, there = tmp_path / "movie.mrc", tmp_path / "store" / PROJECT / KEY
    with path.open("wb") as file:
        file.truncate(32 * BLOCK_BYTES)
    peak("send", path, "none")
    there.parent.mkdir(parents=True)
    os.link(path, there)
    assert peak("fetch", path, "none") + SDK_BYTES <= 100 * MB
