"""A sender that is killed at any instant, and started again."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.mover.pull import place_file
from tests.mover.large import a_file
from tests.mover.parted import FolderParts, folder_store
from tests.mover.sending import PROJECT, STREAMS

MOST_S = 100


def started(folder: Path, path: Path, encoding: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.mover.sending", str(folder), str(path), encoding]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed_within(
    sender: subprocess.Popen[str], parts: FolderParts, more: int, pause_s: float
) -> None:
    """Kill a sender once it has begun `more` parts and a moment has passed, unless it has ended."""
    wanted, until_s = len(parts.log) + more, time.monotonic() + MOST_S
    while len(parts.log) < wanted and sender.poll() is None and time.monotonic() < until_s:
        time.sleep(0.01)
    time.sleep(pause_s)
    sender.kill()
    sender.wait()


@pytest.mark.parametrize("encoding", ["none", "auto"])
def test_what_was_in_flight_is_sent_again_and_nothing_else(tmp_path: Path, encoding: str) -> None:
    _killed_again_and_again(tmp_path, encoding, kills=2, chance=random.Random(encoding))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(20))
def test_at_any_instant(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    _killed_again_and_again(tmp_path, chance.choice(["none", "auto"]), kills=4, chance=chance)


def _killed_again_and_again(
    folder: Path, encoding: str, *, kills: int, chance: random.Random
) -> None:
    path = a_file(folder / "movie.mrc", 12.5 if encoding == "none" else 40, counts=True)
    store, parts = folder_store(folder)
    for _ in range(kills):
        with started(folder, path, encoding) as sender:
            killed_within(sender, parts, chance.randrange(1, 4), chance.random() / 5)
    with started(folder, path, encoding) as sender:
        said = sender.communicate(timeout=MOST_S)[0]
    content = Content.from_json(json.loads(said))
    place_file(store, PROJECT, Entry(path="f", content=content), folder / "there")
    assert (folder / "there").read_bytes() == path.read_bytes()
    assert len(parts.log) <= max(parts.log) + kills * STREAMS
    assert len(parts.uploads) <= kills, "only one that was begun and not noted may be left"
    shutil.rmtree(folder)
