"""A script on the leash: it runs as it is, and nothing of it is left."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from cryoem_cloud.agent.run import Running, start

_ENV = {"PATH": os.environ["PATH"]}


class Desk:
    """Where a script runs, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out, self.err = folder / "run.out", folder / "run.err"

    def start(self, script: str, **env: str) -> Running:
        path = self.folder / "script"
        path.write_text(script)
        return start(path, folder=self.folder, out=self.out, err=self.err, environment=_ENV | env)

    def pid(self, name: str) -> int:
        """The process id that the script wrote into a file."""
        file = self.folder / name
        soon(lambda: file.exists() and file.read_text().endswith("\n"))
        return int(file.read_text())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def soon(what: object, *, seconds: float = 10) -> None:
    assert callable(what)
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_script_says_and_ends_as_it_does(desk: Desk) -> None:
    running = desk.start("echo out; echo err >&2; echo $A; exit 7", A="b c")
    assert running.ended(20)
    assert running.code == 7
    assert desk.out.read_text() == "out\nb c\n"
    assert desk.err.read_text() == "err\n"


def test_the_environment_is_just_what_was_given(desk: Desk) -> None:
    assert "HOME" in os.environ
    running = desk.start("echo ${HOME-none} ${PYTHONPATH-none}; cat")
    assert running.ended(20)
    assert (running.code, desk.out.read_text()) == (0, "none none\n")


@pytest.mark.parametrize("umask", [0o027, 0])
def test_a_script_has_the_submitters_umask(desk: Desk, umask: int) -> None:
    (desk.folder / "s").write_text("umask; touch made")
    running = start(
        desk.folder / "s",
        folder=desk.folder,
        out=desk.out,
        err=desk.err,
        environment=_ENV,
        umask=umask,
    )
    assert running.ended(20)
    assert int(desk.out.read_text(), 8) == umask
    assert (desk.folder / "made").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_signal_is_a_negative_code(desk: Desk) -> None:
    running = desk.start("kill -SEGV $$")
    assert running.ended(20)
    assert running.code == -signal.SIGSEGV


def test_kill_reaches_processes_that_made_sessions_of_their_own(desk: Desk) -> None:
    running = desk.start(
        "setsid bash -c 'trap \"\" TERM HUP; echo $BASHPID > far; exec sleep 1000' &\n"
        "echo $$ > near; sleep 1000\n"
    )
    near, far = desk.pid("near"), desk.pid("far")
    running.kill()
    assert running.ended(20)
    assert running.code in {-signal.SIGKILL, 128 + signal.SIGKILL}  # by who was killed first
    soon(lambda: not lives(near) and not lives(far))


def test_what_bash_says_names_no_place_of_the_machine(desk: Desk) -> None:
    running = desk.start("no-such-program")
    assert running.ended(10)
    assert desk.err.read_text() == "script: line 1: no-such-program: command not found\n"


def test_terminate_lets_a_script_end_in_order(desk: Desk) -> None:
    running = desk.start(
        "trap 'echo told; exit 3' TERM; echo $$ > pid; while :; do sleep 0.05; done"
    )
    desk.pid("pid")
    running.terminate()
    assert running.ended(20)
    assert (running.code, desk.out.read_text()) == (3, "told\n")


def test_what_a_script_leaves_behind_is_ended(desk: Desk) -> None:
    running = desk.start("(trap '' HUP TERM; exec sleep 1000) & echo $! > left; exit 0")
    left = desk.pid("left")
    assert running.ended(20)
    assert running.code == 0
    assert not lives(left)


def test_an_agent_that_dies_takes_its_script_along(desk: Desk) -> None:
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from cryoem_cloud.agent.run import start\n"
        "folder = Path(sys.argv[1])\n"
        "start(folder / 's', folder=folder, out=folder / 'run.out', err=folder / 'run.err',"
        " environment={'PATH': os.environ['PATH']})\n"
        "time.sleep(1000)\n"
    )
    (desk.folder / "s").write_text("echo $$ > pid; sleep 1000")
    agent = os.posix_spawn(
        sys.executable, [sys.executable, "-I", "-c", program, str(desk.folder)], os.environ
    )
    pid = desk.pid("pid")
    os.kill(agent, signal.SIGKILL)
    os.waitpid(agent, 0)
    soon(lambda: not lives(pid))
