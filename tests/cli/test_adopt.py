"""`cryoem adopt`: one job of somebody else's comes home here, and none that should not."""

from pathlib import Path

import pytest

from tests.cli.conftest import NewUser, User

_UNTIL = 'touch a/up; n=0; while [ ! -e "{0}" ] && [ $((n += 1)) -lt 600 ]; do sleep 0.1; done'


@pytest.fixture
def second(new_user: NewUser, user: User) -> User:
    """A second computer with the first one's project."""
    user.cryoem("connect", "relion")
    user.submit("first", "echo made > first/x")
    user.cryoem("wait", "1")
    made = new_user("bob")
    name = user.cryoem("project", "show", "--json").json["name"]
    made.cryoem("project", "attach", user.store.as_uri(), name)
    return made


def test_a_job_that_a_living_courier_has_is_left_to_it(
    user: User, second: User, tmp_path: Path
) -> None:
    user.submit("a", f"{_UNTIL.format(tmp_path / 'go')}; echo done > a/x")
    user.wait_for((user.folder / "a" / "up").exists)
    said = second.cryoem("adopt", "2").out
    assert "job 2  a  of " in said
    assert "their courier has it" in said
    again = second.type("cryoem", "adopt", "2")
    assert again.code == 2
    assert "with this computer already" in again.err
    (tmp_path / "go").touch()
    user.cryoem("wait", "2")
    second.cryoem("wait", "2")
    assert (user.folder / "a" / "x").exists()
    assert not (second.folder / "a" / "x").exists()


def test_a_job_that_nobody_has_is_brought_home_at_once(user: User, second: User) -> None:
    """As one whose courier was killed before it had begun to bring it home."""
    user.submit("a", "echo done > a/x")
    user.cryoem("wait", "2")
    for turn in user.store.glob("*/jobs/00000002/deliver/*"):
        turn.unlink()
    assert "is brought home here" in second.cryoem("adopt", "2").out
    second.cryoem("wait", "2")
    assert (second.folder / "a" / "x").read_text() == "done\n"


def test_a_later_job_of_a_chain_is_left_until_a_machine_has_come_to_it(
    user: User, second: User, tmp_path: Path
) -> None:
    user.submit("a", f"{_UNTIL.format(tmp_path / 'go')}; echo done > a/x")
    words = ("--after", "2", "--in", "a/x", "--out", "b", "--", "cp", "a/x", "b/x")
    user.cryoem("run", "--no-wait", *words)
    user.wait_for(lambda: "goes on with it" in user.card(3)["note"])
    user.kill_courier()
    assert "it has to wait, after job 2, submitted by " in second.cryoem("why", "3").out
    early = second.type("cryoem", "adopt", "3")
    assert early.code == 5
    assert "it goes on after job 2, and no machine has come to it yet" in early.err
    (tmp_path / "go").touch()
    user.wait_for(lambda: not user.processes("agent"))
    assert "is brought home here" in second.cryoem("adopt", "3").out
    second.cryoem("wait", "3")
    assert (second.folder / "b" / "x").read_text() == "done\n"


def test_what_cannot_be_adopted_is_said(user: User, second: User) -> None:
    unknown = second.type("cryoem", "adopt", "77")
    assert unknown.code == 3
    assert "no job 77" in unknown.err
    home = second.type("cryoem", "adopt", "1")
    assert home.code == 2
    assert "cryoem pull first" in home.err
    user.submit("b", "touch b/up; sleep 60")
    user.wait_for((user.folder / "b" / "up").exists)
    user.cryoem("run", "--no-wait", "--in", "b", "--out", "a", "--", "true")
    user.wait_for(lambda: user.card(3)["phase"] == "waiting")
    unsent = second.type("cryoem", "adopt", "3")
    assert unsent.code == 5
    assert "its inputs are still with" in unsent.err
    assert second.spool.empty()
