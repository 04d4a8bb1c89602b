"""Two computers with one project: a copy that was not changed here undoes nothing."""

import os

import pytest

from .conftest import NewUser, User

LEFT = "maps/a.star is left out: the store has a newer one"


@pytest.fixture
def first(user: User) -> User:
    """Whoever made the project, and sent `maps/a.star`."""
    user.cryoem("connect", "relion")
    (user.folder / "maps").mkdir()
    (user.folder / "maps/a.star").write_text("one")
    user.cryoem("push", "maps")
    return user


@pytest.fixture
def second(first: User, new_user: NewUser) -> User:
    """Another computer, which has brought it home."""
    name = first.cryoem("project", "show", "--json").json["name"]
    made = new_user("second")
    made.cryoem("project", "attach", first.store.as_uri(), name)
    made.cryoem("pull", "maps")
    return made


@pytest.fixture
def later(first: User, second: User) -> User:
    """The second one, after the first has sent another file of that name."""
    (first.folder / "maps/a.star").write_text("two")
    first.cryoem("push", "maps")
    return second


def word(user: User) -> str:
    """What the store has, as a third computer would get it."""
    user.cryoem("pull", "--force", "maps")
    return (user.folder / "maps/a.star").read_text()


@pytest.mark.parametrize("command", ["push", "sync"])
def test_a_copy_that_has_become_old_is_not_sent(first: User, later: User, command: str) -> None:
    (later.folder / "maps/b.star").write_text("new")
    said = later.type("cryoem", command, "maps")
    assert said.code == 0
    assert LEFT in said.err
    assert word(first) == "two"
    assert (first.folder / "maps/b.star").read_text() == "new"
    assert word(later) == "two"
    assert LEFT not in later.type("cryoem", "push", "maps").err


def test_a_copy_that_was_sent_from_here_before_becomes_old_too(first: User, second: User) -> None:
    second.cryoem("push", "maps")  # so that it is known to stand
    (first.folder / "maps/a.star").write_text("two")
    first.cryoem("push", "maps")
    assert LEFT in second.type("cryoem", "push", "maps").err
    assert word(first) == "two"


def test_what_was_changed_here_is_sent(first: User, later: User) -> None:
    (later.folder / "maps/a.star").write_text("own")
    assert LEFT not in later.type("cryoem", "push", "maps").err
    assert word(first) == "own"


def test_what_is_put_back_on_purpose_is_sent(first: User, later: User) -> None:
    os.utime(later.folder / "maps/a.star")
    assert LEFT not in later.type("cryoem", "push", "maps").err
    assert word(first) == "one"
    (first.folder / "maps/a.star").write_text("two")
    first.cryoem("push", "maps")
    assert word(later) == "two"
