"""push, pull, sync, verify and store du, as a user types them."""

import os
import shutil
import socket
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from cryoem_cloud.cli.files.moving import Plan, requests_of
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.wiring.stores import store_at

from .conftest import NewUser, User

SMALL = 40
ALL = ("stars", "maps")


@pytest.fixture
def owner(user: User) -> User:
    """Somebody with a project of a few folders."""
    user.cryoem("connect", "relion")
    for number in range(SMALL):
        file = user.folder / "stars" / f"{number % 4}" / f"{number}.star"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"data_\n_rlnImageName {number}\n" * 50)
    (user.folder / "maps").mkdir()
    (user.folder / "maps/1.mrc").write_bytes(os.urandom(300_000))
    return user


def objects(user: User) -> set[Path]:
    """The files of the store, but for those that say who knows the project."""
    return {path for path in user.store.rglob("*") if path.is_file()}


def test_what_stands_is_not_looked_at_again(owner: User) -> None:
    first = owner.cryoem("push", *ALL, "--json").json
    assert (first["files"], first["moved_bytes"]) == (SMALL + 1, first["bytes"])
    before = objects(owner)
    again = owner.cryoem("push", *ALL, "--json").json
    assert (again["files"], again["moved_bytes"]) == (SMALL + 1, 0)
    assert objects(owner) == before
    assert owner.cryoem("push", *ALL, "--dry-run", "--json").json["fresh_files"] == 0


def test_only_what_changed_is_sent(owner: User) -> None:
    owner.cryoem("push", *ALL)
    (owner.folder / "stars/1/1.star").write_text("data_\nchanged\n")
    (owner.folder / "stars/2/2.star").chmod(0o600)
    plan = owner.cryoem("push", *ALL, "--dry-run", "--json").json
    assert (plan["fresh_files"], plan["files"]) == (2, SMALL + 1)
    said = owner.cryoem("push", *ALL, "--json").json
    assert said["moved_bytes"] == len("data_\nchanged\n")
    (item,) = owner.cryoem("store", "ls", "stars/2/2.star", "--json").json["files"]
    assert item["mode"] == 0o600


def test_bytes_that_changed_behind_size_and_time_are_found_by_checksum(owner: User) -> None:
    owner.cryoem("push", *ALL)
    file = owner.folder / "maps/1.mrc"
    found = file.stat()
    with file.open("r+b") as open_file:
        open_file.write(b"other")
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert owner.cryoem("push", *ALL, "--json").json["moved_bytes"] == 0
    said = owner.type("cryoem", "verify", "maps")
    assert (said.code, "maps/1.mrc: damaged here" in said.out) == (1, True)
    assert owner.cryoem("push", "--checksum", *ALL, "--json").json["moved_bytes"] == 300_000


def test_a_second_computers_word_is_heard(new_user: NewUser, owner: User) -> None:
    owner.cryoem("push", *ALL)
    name = owner.cryoem("project", "show", "--json").json["name"]
    other = new_user("other")
    other.cryoem("project", "attach", owner.store.as_uri(), name)
    (other.folder / "maps").mkdir()
    (other.folder / "maps/1.mrc").write_bytes(b"newer")
    other.cryoem("push", "maps")
    assert owner.cryoem("push", *ALL, "--dry-run", "--json").json["fresh_files"] == 0
    assert list(owner.cryoem("push", *ALL, "--json").json["left_out"]) == ["maps/1.mrc"]


def test_a_folder_that_was_a_file_comes_home_and_so_does_a_file_that_was_a_folder(
    new_user: NewUser, owner: User
) -> None:
    name = owner.cryoem("project", "show", "--json").json["name"]
    flip = owner.folder / "maps/flip"
    flip.write_text("a file")
    owner.cryoem("push", "maps")
    before = new_user("before")
    before.cryoem("project", "attach", owner.store.as_uri(), name)
    before.cryoem("pull", "maps")
    flip.unlink()
    (flip / "x").mkdir(parents=True)
    (flip / "x/y").write_text("below a folder")
    owner.cryoem("push", "maps")
    said = before.type("cryoem", "pull", "maps", "--force")
    assert (said.code, "maps/flip is a file here, and a folder" in said.err) == (5, True)
    after = new_user("after")
    after.cryoem("project", "attach", owner.store.as_uri(), name)
    after.cryoem("pull", "maps")
    assert (after.folder / "maps/flip/x/y").read_text() == "below a folder"
    shutil.rmtree(flip)
    flip.write_text("a file")
    owner.cryoem("push", "maps")
    before.cryoem("pull", "maps", "--force")
    assert (before.folder / "maps/flip").read_text() == "a file"
    said = after.type("cryoem", "pull", "maps", "--force")
    assert (said.code, "maps/flip is a folder here, and a file" in said.err) == (5, True)


def test_what_a_pull_that_was_killed_left_is_not_sent(owner: User) -> None:
    left = owner.folder / "maps/.cryoem-0123456789abcdef.part"
    left.write_bytes(b"half a map")
    assert owner.cryoem("push", "maps", "--json").json["files"] == 1
    assert owner.cryoem("push", "maps/" + left.name, "--json").json["files"] == 0
    owner.cryoem("pull", "maps")
    assert left.exists()  # it may be somebody's


def test_what_earlier_versions_sent_of_a_pull_that_was_killed_does_not_come_home(
    owner: User,
) -> None:
    owner.cryoem("push", "maps")
    name = owner.cryoem("project", "show", "--json").json["name"]
    index = IndexLog(store_at(owner.store.as_uri()), name)
    (entry,) = [entry for recorded in index.read() for entry in recorded.entries]
    index.append("before", [replace(entry, path="maps/.cryoem-0123456789abcdef.part")])
    assert owner.cryoem("pull", "maps", "--json").json["files"] == 1
    assert [path.name for path in (owner.folder / "maps").iterdir()] == ["1.mrc"]


def test_what_the_store_has_under_another_name_is_not_sent(owner: User) -> None:
    (owner.folder / "maps/link.mrc").symlink_to("1.mrc")
    assert owner.cryoem("push", "maps", "--json").json["moved_bytes"] == 300_000
    (owner.folder / "copy.mrc").write_bytes((owner.folder / "maps/1.mrc").read_bytes())
    assert owner.cryoem("push", "copy.mrc", "--json").json["moved_bytes"] == 0
    for name in ("link", "1"):
        (owner.folder / f"maps/{name}.mrc").unlink()
    owner.cryoem("pull", "maps")
    made = (owner.folder / "copy.mrc").read_bytes()
    assert (owner.folder / "maps/1.mrc").read_bytes() == made


def test_what_cannot_be_sent_is_named(owner: User) -> None:
    os.mkfifo(owner.folder / "maps/pipe")
    (owner.folder / "maps/away").symlink_to("nowhere")
    (owner.folder / "maps/loop").symlink_to(".")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(owner.folder / "maps/talk"))
        said = owner.cryoem("push", "maps")
    assert "maps/pipe is left out: a pipe" in said.err
    assert "maps/away is left out: a link that leads nowhere" in said.err
    assert "maps/talk is left out: a socket" in said.err
    named = owner.type("cryoem", "push", "maps/pipe")
    assert named.code == 5
    assert "maps/pipe is a pipe" in named.err


def test_what_would_be_sent_is_told_with_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [200_000] * 42 + [10**9]
    costs = {"usd": Decimal("0.0004"), "usd_a_month": Decimal("0.0232")}
    plan = Plan(
        verb="sent",
        files=50,
        size=2 * 10**9,
        fresh=len(sizes),
        fresh_size=sum(sizes),
        requests=requests_of(sizes),
        **costs,
    )
    plan.say(json_=False)
    said = capsys.readouterr().err
    assert "50 files, 2.0 GB; at most 43 files, 1.0 GB would be sent, in about 68 requests" in said
    assert "$0.0004 once, $0.0232 a month in the store, at list prices" in said


def test_a_rate_is_a_rate(owner: User) -> None:
    said = owner.type("cryoem", "push", "--limit-rate", "fast", "maps")
    assert (said.code, "50M" in said.err) == (2, True)
    owner.cryoem("push", "--limit-rate", "1G", "--codec", "none", "maps")


def test_sync_replaces_nothing_and_moves_both_ways(new_user: NewUser, owner: User) -> None:
    owner.cryoem("push", *ALL)
    name = owner.cryoem("project", "show", "--json").json["name"]
    other = new_user("other")
    other.cryoem("project", "attach", owner.store.as_uri(), name)
    (other.folder / "maps").mkdir()
    (other.folder / "maps/2.mrc").write_bytes(b"another")
    (other.folder / "stars/0").mkdir(parents=True)
    (other.folder / "stars/0/0.star").write_text("mine")
    plan = other.cryoem("sync", "--dry-run", "--json", *ALL).json
    assert (plan["up"]["fresh_files"], plan["down"]["fresh_files"]) == (2, SMALL)
    said = other.cryoem("sync", "--json", *ALL).json
    assert said["down"]["files"] == SMALL + 1
    assert (other.folder / "stars/0/0.star").read_text() == "mine"
    for file in owner.folder.rglob("*.mrc"):
        there = other.folder / file.relative_to(owner.folder)
        assert there.read_bytes() == file.read_bytes()
    owner.cryoem("sync", "maps")
    assert (owner.folder / "maps/2.mrc").read_bytes() == b"another"
    assert owner.type("cryoem", "sync", "nowhere").code == 3


def _object_of(owner: User, path: str) -> Path:
    (item,) = owner.cryoem("store", "ls", path, "--json").json["files"]
    (found,) = (file for file in objects(owner) if str(file).endswith(item["key"]))
    return found


def test_what_the_store_lost_is_found_and_sent_again(owner: User) -> None:
    owner.cryoem("push", *ALL)
    _object_of(owner, "maps/1.mrc").unlink()
    said = owner.type("cryoem", "verify", "--json")
    assert said.code == 1
    bad = [file for file in said.json["files"] if file["store"] != "good"]
    assert [(file["path"], file["store"], file["here"]) for file in bad] == [
        ("maps/1.mrc", "missing", "good")
    ]
    assert "1 mended" in owner.cryoem("verify", "--repair").err
    owner.cryoem("verify", "--deep")


def test_damage_in_the_store_is_found_by_reading_and_mended(owner: User) -> None:
    owner.cryoem("push", *ALL)
    held = _object_of(owner, "maps/1.mrc")
    held.chmod(0o600)
    data = bytearray(held.read_bytes())
    data[1000] ^= 1
    held.write_bytes(data)
    owner.cryoem("verify")
    said = owner.type("cryoem", "verify", "--deep", "maps")
    assert (said.code, "maps/1.mrc: damaged in the store" in said.out) == (1, True)
    owner.cryoem("verify", "--deep", "--repair", "maps")
    assert "0 damaged or missing" in owner.cryoem("verify", "--deep").err


def test_damage_here_is_mended_from_the_store(owner: User) -> None:
    owner.cryoem("push", *ALL)
    file = owner.folder / "maps/1.mrc"
    found, good = file.stat(), file.read_bytes()
    file.write_bytes(b"x" + good[1:])
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert "brought home again" in owner.cryoem("verify", "--repair").out
    assert file.read_bytes() == good


def test_a_link_that_leads_nowhere_is_a_change_of_the_users(owner: User) -> None:
    owner.cryoem("push", *ALL)
    (owner.folder / "maps/1.mrc").unlink()
    (owner.folder / "maps/1.mrc").symlink_to("nowhere")
    assert "maps/1.mrc: changed here since it was stored" in owner.cryoem("verify").out


def test_movies_behind_a_link_are_compared_and_what_must_be_written_there_is_refused(
    owner: User, tmp_path: Path
) -> None:
    movies = tmp_path / "camera"
    movies.mkdir()
    (movies / "1.mrc").write_bytes(os.urandom(1000))
    (owner.folder / "movies").symlink_to(movies)
    owner.cryoem("push", "movies", *ALL)
    assert f"{SMALL + 2} files" in owner.cryoem("verify", "--deep").err
    for command, path in (("pull", "movies"), ("pull", "."), ("sync", "movies")):
        assert "0 of " in owner.cryoem(command, path).err
    _object_of(owner, "movies/1.mrc").unlink()
    told = "movies/1.mrc: missing in the store, good here; sent again"
    assert told in owner.cryoem("verify", "--repair").out
    found = (movies / "1.mrc").stat()
    (movies / "1.mrc").write_bytes(bytes(1000))
    os.utime(movies / "1.mrc", ns=(found.st_atime_ns, found.st_mtime_ns))
    said = owner.type("cryoem", "verify", "--repair")
    assert (said.code, "would be written through the link movies" in said.out) == (1, True)
    (movies / "1.mrc").unlink()
    owner.cryoem("verify")
    for command, path in (("pull", "movies"), ("pull", "."), ("sync", "movies")):
        said = owner.type("cryoem", command, path)
        assert (said.code, "through the link movies" in said.err) == (5, True)
    assert not list(movies.iterdir())


def test_du_says_how_much_the_store_holds(owner: User) -> None:
    (owner.folder / "maps/same.mrc").hardlink_to(owner.folder / "maps/1.mrc")
    owner.cryoem("push", *ALL)
    folders = owner.cryoem("store", "du", "--json").json["folders"]
    maps = next(folder for folder in folders if folder["folder"] == "maps")
    assert (maps["files"], maps["bytes"], maps["stored_bytes"]) == (2, 600_000, 300_000)
    assert [
        row["folder"] for row in owner.cryoem("store", "du", "stars", "--json").json["folders"]
    ] == [f"stars/{number}" for number in range(4)]
    assert "all told" in owner.cryoem("store", "du").err
