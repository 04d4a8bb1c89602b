"""cryoem storage, at a server with S3's classes: nothing goes that is not surely elsewhere."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import FaultyProxy, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, client_of
from tests.cli.conftest import BIN, NewUser, User
from tests.stores.conftest import ministack_server

__all__ = ["ministack_server"]

MOVIES = ("movies/a.mrc", "movies/b.mrc", "movies/below/c.mrc")
YES = ("storage", "archive", "movies", "--delete-local", "--yes")


@pytest.fixture
def proxy(ministack_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(ministack_server.endpoint) as made:
        yield made


@pytest.fixture
def owner(new_user: NewUser, ministack_server: S3Server, proxy: FaultyProxy) -> User:
    """Somebody with three movies, a small file and a link, at an S3 server."""
    env = ministack_server.env(AWS_ENDPOINT_URL=proxy.endpoint)
    user = new_user("ada", **env, CRYOEM_STORE=ministack_server.bucket())
    user.cryoem("connect", "relion")
    (user.folder / "movies/below").mkdir(parents=True)
    for path in MOVIES:
        (user.folder / path).write_bytes(os.urandom(400_000))
    (user.folder / "movies/small.star").write_text("data_\n")
    user.cryoem("push", "movies")
    return user


def kept(owner: User) -> dict[str, bytes]:
    """What is here of the movies."""
    return {p: (owner.folder / p).read_bytes() for p in MOVIES if (owner.folder / p).exists()}


def classes(owner: User, server: S3Server) -> list[str]:
    """The classes of the movies' objects."""
    store = open_store(owner.env["CRYOEM_STORE"], env=server.env())
    assert store.classes
    return [each.word for each in store.classes.list("") if each.key.endswith(".mrc")]


def restored(owner: User) -> None:
    """Wait until all that was asked for can be read."""

    def done() -> bool:
        said = owner.cryoem("storage", "restore", "movies", "--dry-run", "--json").json
        return bool(said["objects"]["archived"] + said["objects"]["restoring"] == 0)

    owner.wait_for(done, seconds=20)


def test_archived_removed_restored_and_the_same_to_the_last_bit(
    owner: User, ministack_server: S3Server
) -> None:
    before = kept(owner)
    said = owner.cryoem(*YES)
    assert "3 files, 1.2 MB to DEEP_ARCHIVE, in 3 objects" in said.err
    assert "1 file stays there: smaller than 128 KiB" in said.err
    assert "3 objects moved to DEEP_ARCHIVE, 3 files, 1.2 MB removed here" in said.err
    assert kept(owner) == {}
    assert (owner.folder / "movies/small.star").exists()
    assert classes(owner, ministack_server) == ["DEEP_ARCHIVE"] * 3
    started_s = time.monotonic()
    said = owner.type("cryoem", "pull", "movies")
    assert time.monotonic() - started_s < 10
    assert said.code == 8
    assert "Traceback" not in said.err
    assert "movies/a.mrc is archived, and 2 more (cryoem storage restore movies; " in said.err
    assert "takes about 12 h" in said.err
    assert kept(owner) == {}
    said = owner.cryoem("storage", "restore", "movies", "--yes")
    assert "3 objects, 1.2 MB: archived; can be read within about 12 h, for 7 days" in said.err
    restored(owner)
    owner.cryoem("pull", "movies")
    assert kept(owner) == before
    assert "0 damaged or missing" in owner.cryoem("verify", "--deep").err


def test_nobody_is_asked_where_nobody_is_and_a_dry_run_does_nothing(
    owner: User, ministack_server: S3Server
) -> None:
    before = kept(owner)
    said = owner.type("cryoem", *YES[:-1])
    assert said.code == 2
    assert "nobody is there to be asked" in said.err
    said = owner.cryoem(*YES[:-1], "--dry-run", "--json")
    assert (said.json["objects"], said.json["left"]) == (
        3,
        {"smaller than 128 KiB, which would cost more": 1},
    )
    assert kept(owner) == before
    assert classes(owner, ministack_server) == ["STANDARD"] * 3


def test_what_is_there_already_is_said_to_be(owner: User) -> None:
    owner.cryoem("storage", "archive", "movies/a.mrc", "--yes")
    said = owner.cryoem("storage", "archive", "movies", "--dry-run")
    assert "2 files, 800.0 kB to DEEP_ARCHIVE, in 2 objects" in said.err
    assert "1 file is in DEEP_ARCHIVE already" in said.err
    said = owner.cryoem("storage", "archive", "movies/a.mrc", "--dry-run")
    assert said.err == "1 file is in DEEP_ARCHIVE already\n"


def test_on_a_terminal_the_user_is_asked_and_may_say_no(
    owner: User, ministack_server: S3Server
) -> None:
    before = kept(owner)
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")
    words = [str(BIN / "cryoem"), *YES[:-1]]
    done = subprocess.run(
        words, cwd=owner.folder, env=owner.env, stdin=theirs, check=False, capture_output=True
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 130
    assert b"3 files, 1.2 MB to DEEP_ARCHIVE" in done.stderr
    assert kept(owner) == before
    assert classes(owner, ministack_server) == ["STANDARD"] * 3


def test_what_is_not_what_the_store_has_stays(owner: User, ministack_server: S3Server) -> None:
    """Changed, changed without its time, and a link to data elsewhere."""
    a, b, c = (owner.folder / path for path in MOVIES)
    found = a.stat()
    a.write_bytes(bytes(400_000))
    os.utime(a, ns=(found.st_mtime_ns, found.st_mtime_ns))
    b.write_bytes(b"other")
    elsewhere = owner.home / "c.mrc"
    c.rename(elsewhere)
    c.symlink_to(elsewhere)
    said = owner.type("cryoem", *YES)
    assert said.code == 1
    assert "movies/a.mrc: stays here: it has other bytes than were stored" in said.out
    assert "movies/b.mrc: stays here: changed here since it was stored" in said.out
    assert "movies/below/c.mrc: stays here: it is no file of its own" in said.out
    assert a.read_bytes() == bytes(400_000)
    assert b.read_bytes() == b"other"
    assert elsewhere.stat().st_size == 400_000


def test_what_is_damaged_or_missing_in_the_store_is_neither_moved_nor_removed(
    owner: User, ministack_server: S3Server
) -> None:
    before = kept(owner)
    store = open_store(owner.env["CRYOEM_STORE"], env=ministack_server.env())
    first, second, _ = (one.key for one in store.list("") if one.key.endswith(".mrc"))
    store.put(first, bytes(store.size(first)))
    store.delete(second)
    said = owner.type("cryoem", *YES)
    assert said.code == 1
    assert "movies/a.mrc: movies/a.mrc is damaged in the store" in said.out
    assert "movies/b.mrc: missing in the store" in said.out
    assert set(kept(owner)) == {"movies/a.mrc", "movies/b.mrc"}
    assert kept(owner).items() <= before.items()
    assert classes(owner, ministack_server) == ["STANDARD", "DEEP_ARCHIVE"]


def test_an_object_that_other_files_share_stays(owner: User, ministack_server: S3Server) -> None:
    data = (owner.folder / "movies/a.mrc").read_bytes()
    (owner.folder / "copy.mrc").write_bytes(data)
    owner.cryoem("push", "copy.mrc")
    said = owner.cryoem("storage", "archive", "movies/a.mrc", "--yes")
    assert "1 file stays there: together in an object with files that were not named" in said.err
    assert classes(owner, ministack_server) == ["STANDARD"] * 3


@pytest.mark.soak
def test_what_lies_behind_a_link_is_archived_and_stays_here(
    owner: User, ministack_server: S3Server
) -> None:
    outside = owner.home / "data"
    outside.mkdir()
    (outside / "d.mrc").write_bytes(os.urandom(300_000))
    (owner.folder / "raw").symlink_to(outside)
    owner.cryoem("run", "--in", "raw/d.mrc", "--out", "out", "--", "wc", "raw/d.mrc")
    said = owner.type("cryoem", "storage", "archive", "raw", "--delete-local", "--yes")
    assert "1 object moved to DEEP_ARCHIVE" in said.err
    assert said.out == "raw/d.mrc: stays here: it lies behind a link\n"
    assert classes(owner, ministack_server).count("DEEP_ARCHIVE") == 1
    assert (outside / "d.mrc").stat().st_size == 300_000


def test_the_other_tiers_are_read_at_once(owner: User, ministack_server: S3Server) -> None:
    before = kept(owner)
    owner.cryoem(*YES, "--tier", "instant")
    assert classes(owner, ministack_server) == [StorageClass.INSTANT.value] * 3
    owner.cryoem("pull", "movies")
    assert kept(owner) == before


def test_a_sync_leaves_what_is_archived(owner: User) -> None:
    owner.cryoem(*YES)
    said = owner.cryoem("sync", "movies")
    assert "what is archived stays there: movies/a.mrc is archived, and 2 more" in said.err
    assert kept(owner) == {}


def test_verify_says_what_it_could_not_read(owner: User) -> None:
    owner.cryoem("storage", "archive", "movies", "--yes")
    assert "0 damaged or missing" in owner.cryoem("verify").err
    said = owner.type("cryoem", "verify", "--deep")
    assert said.code == 1
    assert "3 archived and not read (cryoem storage restore PATH)" in said.err
    assert "movies/a.mrc: archived, and cannot be read before it is restored" in said.out


def test_ls_says_what_lies_where(owner: User) -> None:
    owner.cryoem(*YES)
    said = owner.cryoem("storage", "ls", "--json").json
    (movies,) = (row for row in said["folders"] if row["folder"] == "movies")
    assert movies["files"] == 4
    assert movies["bytes_here"] == 6
    assert movies["bytes_in_store"]["DEEP_ARCHIVE"] == 1_200_000
    assert said["total"]["bytes_in_store"]["DEEP_ARCHIVE"] == 1_200_000
    out = owner.cryoem("storage", "ls", "movies").out
    assert "movies/below" in out
    assert "DEEP_ARCHIVE" in out


@pytest.mark.soak
def test_a_job_that_reads_what_is_archived_fails_before_anything_is_started(
    owner: User, ministack_server: S3Server
) -> None:
    owner.cryoem("storage", "archive", "movies", "--yes")
    reads = ("--in", "movies/a.mrc", "--out", "out", "--", "cat", "movies/a.mrc")
    said = owner.type("cryoem", "run", *reads)
    assert said.code == 8
    assert "movies/a.mrc is archived" in said.err + said.out
    assert "cryoem storage restore movies/a.mrc" in said.err + said.out
    store = open_store(owner.env["CRYOEM_STORE"], env=ministack_server.env())
    assert not [one.key for one in store.list("") if "/launches/" in one.key]


def test_what_a_job_made_and_was_archived_is_not_told_as_deleted(owner: User) -> None:
    owner.cryoem("run", "--out", "out", "--", "bash", "-c", "head -c 300000 /dev/urandom > out/big")
    (file,) = owner.cryoem("show", "1", "--json").json["outputs"]
    assert file["at"] == "home"
    owner.cryoem("storage", "archive", "out", "--tier", "instant", "--delete-local", "--yes")
    assert not (owner.folder / "out/big").exists()
    (file,) = owner.cryoem("show", "1", "--json").json["outputs"]
    assert file["at"] == "store only"


@pytest.mark.soak
def test_nothing_is_archived_that_a_job_may_read(owner: User) -> None:
    job = owner.submit("out", "sleep 60")
    owner.wait_for(lambda: owner.card(job))
    said = owner.type("cryoem", "storage", "archive", "movies", "--yes")
    assert said.code == 5
    assert f"job {job} is not home yet, and may read what would be archived" in said.err
    owner.cryoem("storage", "archive", "movies", "--yes", "--tier", "infrequent")


def require_safe(owner: User, server: S3Server, before: dict[str, bytes]) -> None:
    """That each movie is here as it was, or in the store."""
    client = client_of(server.env())
    bucket = owner.env["CRYOEM_STORE"].removeprefix("s3://")
    listed = client.list_objects_v2(Bucket=bucket)["Contents"]
    sizes = {one["Key"]: one["Size"] for one in listed}
    for path, data in before.items():
        here = owner.folder / path
        if here.exists():
            assert here.read_bytes() == data
        else:
            assert any(key.endswith(f"mirror/{path}") and sizes[key] for key in sizes)


def killed(owner: User, proxy: FaultyProxy, after: int, *words: str) -> bool:
    """Run a command, and kill it once so many of its requests were granted; whether it was."""
    command = owner.start("cryoem", *words)
    granted = 0

    def kill(_: str) -> None:
        nonlocal granted
        granted += 1
        if granted == after:
            command.send_signal(signal.SIGKILL)

    proxy.done = kill
    try:
        command.communicate(timeout=60)
    finally:
        proxy.done = lambda _: None
    return command.returncode == -signal.SIGKILL


def killed_again_and_again(
    owner: User, proxy: FaultyProxy, server: S3Server, points: list[int]
) -> None:
    before = kept(owner)
    for after in points:
        killed(owner, proxy, after, *YES)
        require_safe(owner, server, before)
    owner.cryoem(*YES)
    assert kept(owner) == {}
    assert classes(owner, server) == ["DEEP_ARCHIVE"] * 3
    for after in points:
        killed(owner, proxy, after, "storage", "restore", "movies", "--yes")
    owner.cryoem("storage", "restore", "movies", "--yes")
    restored(owner)
    for after in points:
        killed(owner, proxy, after, "pull", "movies")
    owner.cryoem("pull", "movies")
    assert kept(owner) == before


@pytest.mark.soak
def test_killed_while_it_moves_and_removes_it_goes_on(
    owner: User, proxy: FaultyProxy, ministack_server: S3Server
) -> None:
    killed_again_and_again(owner, proxy, ministack_server, [17])


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_killed_at_any_request(owner: User, proxy: FaultyProxy, ministack_server: S3Server) -> None:
    killed_again_and_again(owner, proxy, ministack_server, list(range(1, 45)))
