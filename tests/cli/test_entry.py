"""Starting is fast, help is complete, and a user's mistake is a line."""

import subprocess
import sys
from pathlib import Path

import pytest

from cryoem_cloud.cli.cryoem import COMMANDS
from cryoem_cloud.cli.entry import PROGRAMS
from cryoem_cloud.cli.reference import commands_page
from tests.cli.conftest import BIN, User

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
_HEAVY = {"botocore", "boto3", "rich", "blake3", "sqlite3", "concurrent.futures.process"}


def imported_by(statement: str) -> set[str]:
    """The modules that are there after a statement, in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(done.stdout.split())


@pytest.mark.alone
def test_help_takes_less_than_0_3_s(user: User) -> None:
    took = sorted(user.type("cryoem", "--help").took_s for _ in range(5))
    assert took[2] < 0.3


@pytest.mark.parametrize(
    "module",
    [
        "cryoem",
        "qsub",
        "qstat",
        "qdel",
        "commands.run",
        "commands.ls",
        "commands.why",
        "commands.offers",
    ],
)
def test_what_people_wait_for_imports_nothing_heavy(module: str) -> None:
    found = imported_by(f"import cryoem_cloud.cli.{module}")
    assert f"cryoem_cloud.cli.{module}" in found
    assert not found & _HEAVY


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(user: User, name: str) -> None:
    said = user.cryoem(name, "--help")
    assert said.out.startswith(f"Usage: cryoem {name}")
    assert said.err == ""


@pytest.mark.parametrize("words", ["", "connect", "store", "project", "courier"])
def test_no_line_of_a_list_of_commands_is_cut(user: User, words: str) -> None:
    lines = user.cryoem(*words.split(), "--help", COLUMNS="80").out.splitlines()
    rows = lines[lines.index("Commands:") + 1 :]
    assert rows
    assert not [row for row in rows if row.endswith("...") or len(row) > 80]
    assert all(row.startswith("  ") and row[2] != " " for row in rows)


def test_every_program_that_a_launcher_names_exists() -> None:
    for name, module in PROGRAMS.items():
        assert hasattr(__import__(module, fromlist=["main"]), "main"), name


def test_the_page_in_the_manual_is_what_help_says() -> None:
    assert commands_page() == _PAGE.read_text(), "python -m cryoem_cloud.cli.reference makes it"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["cryoem", "sing"], 2),
        (["cryoem", "show", "seven"], 2),
        (["cryoem", "show", "7"], 3),
        (["cryoem", "push", "x"], 3),
        (["cryoem", "run", "--", "true"], 2),
        (["cryoem", "run", "--out", "../up", "--", "true"], 5),
        (["cryoem", "project", "attach", "ftp://here"], 2),
    ],
)
def test_a_mistake_is_told_without_a_traceback(user: User, words: list[str], code: int) -> None:
    said = user.type(*words)
    assert (said.code, said.out) == (code, "")
    assert said.err
    assert "Traceback" not in said.err


def test_a_setting_that_is_off_is_told_with_its_file(user: User) -> None:
    file = user.home / ".config" / "cryoem-cloud" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text("stor = 1\n")
    said = user.type("cryoem", "connect", "relion")
    assert said.code == 2
    assert str(file) in said.err
    assert len(said.err.splitlines()) == 1


def test_a_reader_that_goes_away_is_told_nothing(user: User) -> None:
    for words in ("cryoem --help", "cryoem-qstat 1"):
        user.submit("a", "true")
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {BIN}/{words} | true"],
            cwd=user.folder,
            env=user.env,
            check=False,
            capture_output=True,
        )
        assert done.stderr == b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(user: User, shell: str) -> None:
    assert "_CRYOEM_COMPLETE" in user.cryoem("completion", shell).out


def test_completion_knows_the_commands(user: User) -> None:
    said = user.type(
        "cryoem", _CRYOEM_COMPLETE="bash_complete", COMP_WORDS="cryoem wh", COMP_CWORD="1"
    )
    assert said.out.split(",")[-1].strip() == "why"


@pytest.mark.parametrize("command", ["show", "stop", "logs"])
def test_completion_knows_the_jobs(user: User, command: str) -> None:
    user.submit("a", "true")
    words = f"cryoem {command} "
    said = user.type("cryoem", _CRYOEM_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="2")
    assert said.out == "plain,1\n"


def test_completion_is_quiet_where_something_is_wrong(user: User) -> None:
    user.cryoem("connect", "relion")
    (user.folder / ".cryoem/project.toml").write_text("noise")
    words = "cryoem show "
    said = user.type("cryoem", _CRYOEM_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="2")
    assert (said.out.strip(), said.err) == ("", "")
