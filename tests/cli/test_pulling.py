"""What pull, push and store ls say where something is odd, as a user types them."""

import json
import os
import signal

import pytest

from cryoem_cloud.cli.files.moving import Tally, saying_if_interrupted

from .conftest import NewUser, User


@pytest.fixture
def owner(user: User) -> User:
    """Somebody with a project whose two folders are in the store."""
    user.cryoem("connect", "relion")
    for number in range(4):
        for folder in ("maps", "movies"):
            (user.folder / folder).mkdir(exist_ok=True)
            (user.folder / folder / f"{number}.mrc").write_bytes(os.urandom(30_000))
    user.cryoem("push", "maps", "movies")
    return user


def damage(owner: User, name: str) -> None:
    (file,) = owner.store.rglob(f"mirror/{name}")
    file.chmod(0o600)
    file.write_bytes(bytes(30_000))


def test_all_that_is_good_comes_and_all_that_is_damaged_is_named(owner: User) -> None:
    damage(owner, "maps/1.mrc")
    (file,) = owner.store.rglob("mirror/maps/2.mrc")
    file.unlink()
    for path in (owner.folder / "maps").iterdir():
        path.unlink()
    said = owner.type("cryoem", "pull", "maps")
    assert sorted(path.name for path in (owner.folder / "maps").iterdir()) == ["0.mrc", "3.mrc"]
    assert said.code == 8
    assert "maps/1.mrc is left out: damaged in the store" in said.err
    assert "maps/2.mrc is left out: damaged in the store" in said.err
    assert "2 of 4 files brought home" in said.err
    assert "2 files are damaged in the store; all others came" in said.err
    assert "cryoem verify --repair" in said.err
    said = owner.type("cryoem", "sync", "maps")
    assert (said.code, "2 files are damaged" in said.err) == (8, True)


def test_where_the_files_are_good_repair_mends_the_store(new_user: NewUser, owner: User) -> None:
    name = owner.cryoem("project", "show", "--json").json["name"]
    other = new_user("other")
    other.cryoem("project", "attach", owner.store.as_uri(), name)
    damage(owner, "maps/1.mrc")
    assert other.type("cryoem", "pull", "maps", "--json").code == 8
    owner.cryoem("verify", "--deep", "--repair", "maps")
    assert other.cryoem("pull", "maps", "--json").json["moved_bytes"] == 30_000


def test_ls_and_du_count_from_where_the_user_stands(owner: User) -> None:
    def listed(*words: str, below: str = ".") -> list[str]:
        said = owner.type("cryoem", "store", "ls", *words, "--json", cwd=owner.folder / below)
        return [file["path"] for file in json.loads(said.out)["files"]]

    assert listed("1", below="maps") == ["maps/1.mrc"]
    assert listed("../mov", below="maps") == [f"movies/{n}.mrc" for n in range(4)]
    assert len(listed(".", below="maps")) == len(listed("maps/")) == 4
    assert listed("map/") == []
    assert len(listed(below="maps")) == len(listed(".")) == 8
    said = owner.type("cryoem", "store", "du", ".", "--json", cwd=owner.folder / "maps")
    assert sum(folder["files"] for folder in json.loads(said.out)["folders"]) == 4


def test_an_empty_folder_that_a_pattern_of_the_shells_met_is_passed_over(owner: User) -> None:
    (owner.folder / "mempty").mkdir()
    said = owner.type("cryoem", "pull", "maps", "mempty", "movies")
    assert said.code == 0
    assert "mempty is left out: an empty folder, of which the store has nothing" in said.err
    assert owner.type("cryoem", "pull", "mempty").code == 3
    (owner.folder / "mempty/file").touch()
    assert owner.type("cryoem", "pull", "maps", "mempty").code == 3


def test_who_interrupts_is_told_how_much_has_moved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tally, before = Tally(), signal.getsignal(signal.SIGINT)
    tally.counting(lambda _: None)(1_500_000)

    def interrupt() -> None:
        with saying_if_interrupted("sent", tally, 4_000_000):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert capsys.readouterr().err == (
        "cryoem: interrupted: 1.5 MB of 4.0 MB sent; what is on its way arrives, and the same "
        "command goes on from there\n"
    )
    assert signal.getsignal(signal.SIGINT) is before
