"""What files may be like: names of any bytes, holes, hard links; and two pushes at once."""

import os
import random
import shutil
from pathlib import Path

import pytest

from .conftest import User

MIB = 1024 * 1024
LEGAL = bytes(set(range(1, 256)) - {ord("/")})


@pytest.fixture
def owner(user: User) -> User:
    """Somebody with a project."""
    user.cryoem("connect", "relion")
    (user.folder / "data").mkdir()
    return user


def contents(folder: Path) -> dict[bytes, bytes]:
    """All files below it."""
    top = os.fsencode(folder)
    found = {}
    for place, _, names in os.walk(top):
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118  (any bytes)
            found[os.path.relpath(path, top)] = Path(os.fsdecode(path)).read_bytes()
    return found


def test_names_of_every_legal_byte_come_back(owner: User) -> None:
    top = os.fsencode(owner.folder / "data")
    names = {b"a%bb" % bytes([byte]) for byte in LEGAL} | {LEGAL[:127], LEGAL[127:], b"b" * 255}
    names |= {
        b" ",
        b"-rf",
        b"...",
        b"*",
        b"~",
        b"@long",
        b"%41",
        b"A",
        b"a~1234abcd",
        b"\xff" * 255,
    }
    for number, name in enumerate(sorted(names)):
        folder = top + b"/" + (name[:200] + b"d" if number % 2 else b"")
        Path(os.fsdecode(folder)).mkdir(exist_ok=True)
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(name + b"!" * number)
    before = contents(owner.folder / "data")
    said = owner.cryoem("push", "data", "--json").json
    assert (said["files"], said["left_out"]) == (len(names), {})
    assert owner.cryoem("push", "data", "--json").json["moved_bytes"] == 0
    shutil.rmtree(owner.folder / "data")
    owner.cryoem("pull", "data")
    assert contents(owner.folder / "data") == before


def test_holes_and_hard_links_are_not_harmful(owner: User) -> None:
    """Holes are made again; of a file with several names the bytes are kept once."""
    holes, first = owner.folder / "data/holes.mrc", owner.folder / "data/1.mrc"
    with holes.open("wb") as file:
        file.write(b"begin")
        file.seek(48 * MIB)
        file.write(b"middle")
        file.truncate(100 * MIB)
    first.write_bytes(random.Random(1).randbytes(MIB))
    for number in (2, 3):
        (owner.folder / f"data/{number}.mrc").hardlink_to(first)
    before = contents(owner.folder / "data")
    said = owner.cryoem("push", "data", "--json").json
    assert said["moved_bytes"] == 101 * MIB
    shutil.rmtree(owner.folder / "data")
    owner.cryoem("pull", "data")
    assert contents(owner.folder / "data") == before
    assert holes.stat().st_blocks * 512 < 10 * MIB


def test_two_pushes_of_one_tree_at_once(owner: User) -> None:
    draw = random.Random(2)
    for number in range(60):
        file = owner.folder / f"data/{number % 3}/{number}.star"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(draw.randbytes(2000))
    (owner.folder / "data/1.mrc").write_bytes(draw.randbytes(17 * MIB))
    before = contents(owner.folder / "data")
    pushes = [owner.start("cryoem", "push", "data") for _ in range(2)]
    for push in pushes:
        _, err = push.communicate(timeout=60)
        assert push.returncode == 0, err.decode()
    assert owner.cryoem("push", "data", "--json").json["moved_bytes"] == 0
    shutil.rmtree(owner.folder / "data")
    owner.cryoem("pull", "data")
    assert contents(owner.folder / "data") == before
