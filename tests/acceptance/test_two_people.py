"""Two people of one group in one project folder: rights, privacy, and a job that is adopted."""

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.model.job import Outcome

from .conftest import World, end_world

_GROUP, _ADA, _BOB = 47000, 47001, 47002
"""Numbers that this computer need not have names for."""


@dataclass
class Person(World):
    """A user with an id of their own, in the group."""

    uid: int = 0
    umask: int = 0o002

    def type(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the project, as this person."""
        return subprocess.run(
            [sys.executable, "-I", "-m", "cryoem_cloud.cli", *words],
            cwd=self.project,
            env=self.env,
            user=self.uid,
            group=self.uid,
            extra_groups=[_GROUP],
            umask=self.umask,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def cryoem(self, *words: str) -> str:
        """As `type`, of a command that must end well; what it printed."""
        said = self.type("cryoem", *words)
        assert said.returncode == 0, said.stderr
        return said.stdout

    def run(self, out: str, script: str, *words: str) -> int:
        """Hand in a job; its number."""
        said = self.cryoem("run", "--no-wait", *words, "--out", out, "--", "bash", "-c", script)
        return int(said.split()[-1])

    def ends(self, number: int) -> Card:
        """The job's card, once it has ended here."""
        self.wait_for(lambda: not self.card(number).open, seconds=140)
        return self.card(number)


def made(top: Path, name: str, uid: int) -> Person:
    home = top / name
    home.mkdir(mode=0o755)
    os.chown(home, uid, uid)
    env = {"HOME": str(home), "LOGNAME": name, "PATH": os.environ["PATH"]}
    return Person(home, top / "project", env, uid=uid)


def group_folder(path: Path) -> Path:
    path.mkdir()
    os.chown(path, _ADA, _GROUP)
    path.chmod(0o2775)
    return path


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder that everybody may enter."""
    if os.geteuid() != 0:
        pytest.skip("only root can be two people")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def can_run(person: Person) -> bool:
    """Whether this checkout, and the Python that it uses, are open to that user."""
    try:
        return person.type("cryoem", "--version").returncode == 0
    except PermissionError:
        return False


@pytest.fixture
def people(top: Path) -> Iterator[tuple[Person, Person]]:
    """Ada and Bob, and the folder that both work in."""
    group_folder(top / "project")
    both = made(top, "ada", _ADA), made(top, "bob", _BOB)
    if not can_run(both[1]):
        pytest.skip("other users cannot run what lies in this checkout")
    yield both
    for person in both:
        end_world(person)


@pytest.fixture
def sharing(top: Path, people: tuple[Person, Person]) -> tuple[Person, Person]:
    """With a store that both may write, as the project's settings say."""
    group_folder(top / "store")
    group_folder(top / "project/.cryoem")
    settings = top / "project/.cryoem/settings.toml"
    settings.write_text(f'store = "{(top / "store").as_uri()}"\n')
    return people


def rights(path: Path) -> tuple[int, int, int]:
    """Owner, group and mode."""
    found = path.stat()
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def test_what_comes_home_is_the_submitters_and_the_groups(sharing: tuple[Person, Person]) -> None:
    ada, bob = sharing
    first = ada.run("a", "echo one > a/x; mkdir a/d; touch a/d/y")
    assert ada.ends(first).outcome is Outcome.SUCCESS, ada.story()
    second = bob.run("b", "cat a/x > b/x; mkdir b/d; touch b/d/y", "--in", "a/x")
    assert bob.ends(second).outcome is Outcome.SUCCESS, bob.story()
    assert (bob.project / "b/x").read_text() == "one\n"
    for uid, folder in ((_ADA, ada.project / "a"), (_BOB, ada.project / "b")):
        for name in ("x", "d/y", "run.out", "run.err"):
            assert rights(folder / name) == (uid, _GROUP, 0o664), name
        assert rights(folder / "d") == (uid, _GROUP, 0o2775)
    listed = ada.cryoem("ls")
    assert all(f"\n{number} " in listed for number in (first, second))


def test_a_careful_umask_is_kept(sharing: tuple[Person, Person]) -> None:
    ada, _ = sharing
    ada.umask = 0o027
    assert ada.ends(ada.run("a", "touch a/x; mkdir a/d")).outcome is Outcome.SUCCESS, ada.story()
    assert rights(ada.project / "a/x") == (_ADA, _GROUP, 0o640)
    assert rights(ada.project / "a/d") == (_ADA, _GROUP, 0o2750)


def test_a_courier_with_another_umask_locks_nobody_out(sharing: tuple[Person, Person]) -> None:
    ada, bob = sharing
    ada.umask = 0o022
    assert ada.ends(ada.run("a", "echo one > a/x; chmod g+w a")).outcome is Outcome.SUCCESS
    second = bob.run("b", "cat a/x > b/x", "--in", "a/x")
    assert bob.ends(second).outcome is Outcome.SUCCESS, bob.story()
    assert (bob.project / "b/x").read_text() == "one\n"


def test_nobody_reads_the_others_slips(sharing: tuple[Person, Person]) -> None:
    ada, bob = sharing
    ada.run("a", "touch a/up; sleep 60")
    ada.wait_for((ada.project / "a/up").exists, seconds=60)
    slips = list((ada.places.state / "spool").glob("*.slip"))
    assert slips
    for slip in slips:
        read = subprocess.run(
            ["cat", str(slip)],
            user=bob.uid,
            group=bob.uid,
            extra_groups=[_GROUP],
            check=False,
            capture_output=True,
        )
        assert read.returncode != 0
        assert b"Permission denied" in read.stderr


def test_a_private_store_is_told_and_what_to_do(people: tuple[Person, Person], top: Path) -> None:
    ada, bob = people
    assert ada.ends(ada.run("a", "true")).outcome is Outcome.SUCCESS, ada.story()
    ada.home.chmod(0o700)
    said = bob.type("cryoem", "run", "--out", "b", "--", "true")
    assert said.returncode == 8
    assert "Permission denied" in said.stderr
    assert "needs a store that all of them may write" in said.stderr
    url = group_folder(top / "store").as_uri()
    ada.cryoem("project", "fork", "--store", url)
    asked = bob.type("cryoem", "run", "--out", "b", "--", "true").stderr
    (agree,) = re.findall(r"to agree: (cryoem .*)\)$", asked.strip())
    bob.cryoem(*shlex.split(agree)[1:])
    assert bob.ends(bob.run("b", "echo mine > b/x")).outcome is Outcome.SUCCESS, bob.story()
    assert rights(bob.project / "b/x") == (_BOB, _GROUP, 0o664)


def test_what_may_not_be_written_is_not_adopted(sharing: tuple[Person, Person]) -> None:
    ada, bob = sharing
    ada.umask = 0o022
    number = ada.run("a", "touch a/up; sleep 60")
    ada.wait_for((ada.project / "a/up").exists, seconds=60)
    said = bob.type("cryoem", "adopt", str(number))
    assert said.returncode == 5
    assert "you may not write into" in said.stderr
    assert spool_of(bob.places).empty()


@pytest.mark.soak  # a courier counts as dead after a minute
@pytest.mark.timeout(200)
def test_one_adopts_the_others_job(sharing: tuple[Person, Person]) -> None:
    ada, bob = sharing
    number = ada.run("a", "echo said; touch a/up; sleep 5; echo done > a/x")
    ada.wait_for((ada.project / "a/up").exists, seconds=60)
    assert ada.kill("courier") == 1
    assert "job 1  a  of ada@" in bob.cryoem("adopt", str(number))
    card = bob.ends(number)
    assert card.outcome is Outcome.SUCCESS, bob.story()
    assert (bob.project / "a/x").read_text() == "done\n"
    assert rights(bob.project / "a/x") == (_BOB, _GROUP, 0o664)
    assert (bob.project / "a/run.out").read_text() == "said\n"
    ada.cryoem("ls")
    assert ada.ends(number).outcome is Outcome.SUCCESS
