"""What a process has in memory depends on no file's size."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from cryoem_cloud.model.file import BLOCK_BYTES
from tests.mover.codec.samples import counts, gains, mrc_header
from tests.mover.measuring import KEY, PROJECT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's figure is Linux's")

MB = 1_000_000
SDK_BYTES = 30 * MB
"""What the SDK of a real store takes besides (28 MB for botocore's S3 client)."""


def peak(way: str, path: Path, encoding: str, *, parts: int = 0) -> int:
    words = [way, str(path), encoding, str(parts)]
    command = [sys.executable, "-m", "tests.mover.measuring", *words]
    return int(subprocess.run(command, check=True, capture_output=True).stdout)


@pytest.mark.parametrize("encoding", ["none", "auto"])
def test_a_sender_takes_no_more_than_256_mb(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "movie.mrc"
    with path.open("wb") as file:
        file.truncate(64 * BLOCK_BYTES)
    assert peak("send", path, encoding) + SDK_BYTES <= 256 * MB


@pytest.mark.parametrize(("encoding", "parts"), [("none", 2), ("auto", 1)])
def test_a_sender_of_parts_that_are_larger_than_that_takes_no_more(
    tmp_path: Path, encoding: str, parts: int
) -> None:
    """As those of a file of 4 TB are, of which a store takes 10,000 parts."""
    path = tmp_path / "movie.mrc"
    some = Random(5).randbytes(BLOCK_BYTES).translate(bytes(n % 16 for n in range(256)))
    with path.open("wb") as file:
        file.writelines([some] * (24 if encoding == "auto" else 0))
        file.truncate(24 * BLOCK_BYTES if encoding == "auto" else 64 * BLOCK_BYTES)
    assert peak("send", path, encoding, parts=parts) + SDK_BYTES <= 256 * MB


def _counts(path: Path) -> None:
    some = Random(5).randbytes(BLOCK_BYTES).translate(bytes(n % 4 for n in range(256)))
    path.write_bytes(some * 8)


def _gained(path: Path) -> None:
    gain, frames = gains(1536), range(10)
    values = [counts(1, 1536, seed=n)[0] * gain for n in frames]
    path.write_bytes(mrc_header(1536, 1536, 10, mode=2) + b"".join(v.tobytes() for v in values))


@pytest.mark.parametrize("write", [_counts, _gained])
def test_a_receiver_of_encoded_files_takes_no_more_than_100_mb(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    path = tmp_path / "movie.mrc"
    write(path)
    peak("keep", path, "auto")
    codec = json.loads(path.with_suffix(".json").read_text())["codec"][0]
    assert ("gain" in codec[1]) == (write is _gained)
    assert peak("fetch", path, "auto") + SDK_BYTES <= 100 * MB


def test_a_receiver_takes_no_more_than_100_mb(tmp_path: Path) -> None:
    path, there = tmp_path / "movie.mrc", tmp_path / "store" / PROJECT / KEY
    with path.open("wb") as file:
        file.truncate(32 * BLOCK_BYTES)
    peak("send", path, "none")
    there.parent.mkdir(parents=True)
    os.link(path, there)
    assert peak("fetch", path, "none") + SDK_BYTES <= 100 * MB
