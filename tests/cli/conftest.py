"""Users who type: real launchers, whole command lines, a home and a store of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from cryoem_cloud.cli.cryoem import main
from cryoem_cloud.courier.known.spool import Spool
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.model.record import JSON
from cryoem_cloud.settings import Places
from cryoem_cloud.wiring import aws_stack
from tests.ec2sim.cloud import Cloud

BIN = Path(sys.prefix) / "bin"
_POLL_S = 0.02


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str
    took_s: float

    @property
    def json(self) -> JSON:
        """Its output as JSON of the version that we know."""
        fields = json.loads(self.out)
        assert fields["v"] == 1
        return fields


@dataclass
class User:
    """Somebody at a computer, in a folder."""

    home: Path
    folder: Path
    env: dict[str, str]

    def type(self, *words: str, cwd: Path | None = None, stdin: str = "", **env: str) -> Said:
        """Run a command line; the first word is a launcher."""
        started_s = time.monotonic()
        done = subprocess.run(
            [BIN / words[0], *words[1:]],
            cwd=cwd or self.folder,
            env={**self.env, **env},
            input=stdin.encode(),
            check=False,
            capture_output=True,
            timeout=60,
        )
        took_s = time.monotonic() - started_s
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode(), took_s)

    def cryoem(self, *words: str, cwd: Path | None = None, **env: str) -> Said:
        """Run `cryoem` and see to it that it ends well."""
        said = self.type("cryoem", *words, cwd=cwd, **env)
        assert said.code == 0, said.err
        return said

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command line and go on."""
        return subprocess.Popen(
            [BIN / words[0], *words[1:]],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def submit(self, out: str, script: str) -> int:
        """Hand in a bash line that writes into the folder `out`; the job's number."""
        said = self.cryoem("run", "--no-wait", "--out", out, "--", "bash", "-c", script)
        return int(said.out.split()[-1])

    def card(self, number: int) -> JSON:
        """The job, as `ls --json --all` tells of it."""
        jobs = self.cryoem("ls", "--all", "--json").json["jobs"]
        return next(job for job in jobs if job["number"] == number)

    def wait_for(self, what: Callable[[], object], *, seconds: float = 30) -> None:
        """Poll until `what` is true."""
        until_s = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until_s, f"not within {seconds} s\n{self.courier_log()}"
            time.sleep(_POLL_S)

    @property
    def places(self) -> Places:
        """Where this user's programs keep things."""
        return Places.read(self.env)

    @property
    def spool(self) -> Spool:
        """This user's spool."""
        return spool_of(self.places)

    @property
    def store(self) -> Path:
        """The folder that is this user's store."""
        return self.places.data / "store"

    def change_binding(self, said: str, instead: str) -> None:
        """Change what the project's folder says of itself."""
        file = self.folder / ".cryoem" / "project.toml"
        text = file.read_text()
        assert said in text
        file.write_text(text.replace(said, instead))

    def courier_log(self) -> str:
        """What the courier wrote."""
        with suppress(FileNotFoundError):
            return (self.places.state / "courier.log").read_text()
        return ""

    def processes(self, *words: str) -> list[int]:
        """The pids of this user's programs whose command line has all the words."""
        mark = b"HOME=" + os.fsencode(self.home) + b"\0"
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if mark in (folder / "environ").read_bytes() and set(words) <= set(line):
                    found.append(int(folder.name))
        return found

    def end_all(self) -> None:
        """End all that this user started, the courier first."""
        self._end("courier")
        self._end()

    def kill_courier(self) -> None:
        """Kill it, as a power cut would."""
        self._end("courier")

    def _end(self, *words: str) -> None:
        """End the processes, and those that they were just starting."""

        def gone() -> bool:
            found = self.processes(*words)
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not found

        self.wait_for(gone)


class NewUser(Protocol):
    """Makes users."""

    def __call__(self, name: str, **env: str) -> User:
        """A user with a home and an empty folder `proj` of that name."""
        ...


@pytest.fixture
def new_user(tmp_path: Path) -> Iterator[NewUser]:
    users: list[User] = []

    def make(name: str, **env: str) -> User:
        home, folder = tmp_path / name, tmp_path / f"{name}'s files" / "proj"
        home.mkdir()
        folder.mkdir(parents=True)
        users.append(User(home, folder, {"HOME": str(home), "PATH": os.environ["PATH"], **env}))
        return users[-1]

    yield make
    for user in users:
        user.end_all()


@pytest.fixture
def user(new_user: NewUser) -> User:
    return new_user("ada")


Type = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Packed:
    path: Path
    digest: str = "00" * 32
    architecture: str = "x86_64"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """An empty account that this user's environment names; nobody waits, or packs an agent."""
    packed = tmp_path / "agent.tar.gz"
    packed.write_bytes(b"agent")

    @contextmanager
    def archives(_: object) -> Iterator[tuple[Packed, ...]]:
        yield (Packed(packed),)

    monkeypatch.setattr(aws_stack, "archives", archives)
    with Cloud() as made:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        monkeypatch.setenv("AWS_REGION", "us-west-2")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/none")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setattr(aws_stack, "sleep", made.clock.skip)
        yield made


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Type:
    """Types `cryoem …` in this process: the exit code, the answer, and the talk."""

    def type_here(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_here
