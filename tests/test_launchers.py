"""The installed commands start an isolated Python, and the user's programs get their variables.

From a wheel and from this checkout, directly and through a link, with an environment that would
break any Python that heeds it.
"""

import os
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMANDS = (
    *("cryoem", "cryoem-qsub", "cryoem-qstat", "cryoem-qdel"),
    *("qsub_aws", "awsls", "awskill", "awslaunch"),
)
PATIENCE_S = 60.0
SCRIPT = """\
#!/bin/bash
echo "$PYTHONPATH" > Shell/job001/pythonpath.txt
echo "$LD_LIBRARY_PATH" > Shell/job001/libraries.txt
echo "$CRYOEM_KEPT_PYTHONPATH" > Shell/job001/kept.txt
"""


@dataclass(frozen=True)
class User:
    """Somebody with a home and a project, whose module system has set everything."""

    home: Path
    project: Path
    env: Mapping[str, str]

    def runs(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """What a command says in the project."""
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.project,
            env=dict(self.env),
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that this checkout builds."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def wheel_bin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has the wheel; its dependencies are our own."""
    folder = tmp_path_factory.mktemp("installed") / "with blanks"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    pip = [sys.executable, "-m", "pip", "--python", str(python), *install]
    subprocess.run(pip, check=True, capture_output=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture(params=["wheel", "checkout"])
def bin_folder(request: pytest.FixtureRequest) -> Path:
    """Where the commands are."""
    if request.param == "wheel":
        installed: Path = request.getfixturevalue("wheel_bin")
        return installed
    here = Path(sys.executable).parent
    assert (here / "cryoem").exists(), "this Python has no cryoem: pip install -e ."
    return here


@pytest.fixture
def poison(tmp_path: Path) -> dict[str, str]:
    """Variables that would break a Python that heeds them."""
    folder = tmp_path / "poison"
    libraries = folder / "lib"
    libraries.mkdir(parents=True)
    for module in ("json", "pathlib", "click", "sitecustomize", "cryoem_cloud"):
        (folder / f"{module}.py").write_text(f'raise SystemExit("poisoned {module}")\n')
    for library in ("libz.so.1", "libcrypto.so.3", "libssl.so.3", "libffi.so.8", "libsqlite3.so.0"):
        (libraries / library).write_text("not a library\n")
    return {
        "PYTHONPATH": str(folder),
        "PYTHONHOME": str(folder / "nowhere"),
        "LD_LIBRARY_PATH": str(libraries),
    }


@pytest.fixture
def user(tmp_path: Path, poison: dict[str, str]) -> Iterator[User]:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    env = {"HOME": str(home), "PATH": os.environ["PATH"], **poison}
    yield User(home, project, env)
    _end_processes_of(home)


def _end_processes_of(home: Path) -> None:
    """Leave no courier behind: they are told from others' by their HOME."""
    mark = b"HOME=" + os.fsencode(home) + b"\0"
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                os.kill(int(folder.name), 9)


@pytest.mark.parametrize("variable", ["PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"])
def test_each_variable_is_poison_for_a_python_that_heeds_it(user: User, variable: str) -> None:
    env = {name: user.env[name] for name in ("HOME", "PATH", variable)}
    code = "import json, zlib, _ssl"
    assert User(user.home, user.project, env).runs(sys.executable, "-c", code).returncode != 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there_and_can_be_run(bin_folder: Path, command: str) -> None:
    assert os.access(bin_folder / command, os.X_OK)


def test_a_job_goes_through_and_its_program_has_the_users_variables(
    bin_folder: Path, user: User
) -> None:
    folder = user.project / "Shell/job001"
    folder.mkdir(parents=True)
    (folder / "run_submit.script").write_text(SCRIPT)
    submitted = user.runs(bin_folder / "cryoem-qsub", "Shell/job001/run_submit.script")
    assert submitted.stderr == ""
    assert submitted.stdout.startswith("Submitted batch job ")
    _wait_for(folder / "RELION_JOB_EXIT_SUCCESS", user)
    assert (folder / "pythonpath.txt").read_text().strip() == user.env["PYTHONPATH"]
    assert (folder / "libraries.txt").read_text().strip() == user.env["LD_LIBRARY_PATH"]
    assert (folder / "kept.txt").read_text().strip() == ""


def _wait_for(marker: Path, user: User) -> None:
    until = time.monotonic() + PATIENCE_S
    log = next(user.home.glob(".local/state/cryoem-cloud/*/courier.log"), None)
    while not marker.exists():
        assert time.monotonic() < until, log.read_text() if log else "no courier was started"
        time.sleep(0.05)


@pytest.mark.parametrize("command", ["cryoem-qsub", "qsub_aws"])
def test_a_link_to_a_command_is_the_command(
    bin_folder: Path, user: User, tmp_path: Path, command: str
) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "absolute").symlink_to(bin_folder / command)
    (links / "queue").symlink_to("absolute")
    said = user.runs(links / "queue", "no-such.script")
    assert said.returncode != 0
    assert said.stderr == "cryoem-qsub: no-such.script: No such file or directory\n"


def test_without_a_python_beside_it_the_launcher_uses_another_or_says_so(tmp_path: Path) -> None:
    alone = tmp_path / "cryoem"
    alone.write_bytes((ROOT / "launchers/cryoem").read_bytes())
    alone.chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("dirname", "readlink"):
        (tools / tool).symlink_to(f"/usr/bin/{tool}")
    said = subprocess.run(
        [str(alone)], env={"PATH": str(tools)}, check=False, capture_output=True, text=True
    )
    assert said.returncode == 1
    assert "install again" in said.stderr
