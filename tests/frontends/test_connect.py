"""The files that connect RELION to our queue."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cryoem_cloud.apps.directives import wish
from cryoem_cloud.apps.relion.script import calls
from cryoem_cloud.frontends.connect import EXTRA_FIELDS, pipeliner_takes, relion_files

_AWKWARD = 'it\'s a "folder" $HOME `x`'


def sourced(folder: Path, shell: str, *names: str) -> list[str]:
    """The values that variables have after env.sh was sourced."""
    shown = " ".join(f'"${{{name}}}"' for name in names)
    script = f'. "$0" && printf "%s\\n" {shown}'
    done = subprocess.run(
        [shell, "-c", script, str(folder / "env.sh")], capture_output=True, check=True, text=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def connected(tmp_path: Path) -> Path:
    """A folder with the files, whose name is hard to quote, beside launchers."""
    folder, launchers = tmp_path / _AWKWARD, tmp_path / "bin"
    folder.mkdir()
    launchers.mkdir()
    (launchers / "cryoem").write_text(
        '#!/bin/sh\necho "$@" >> "${0%/*}/woken"\necho loud; exit 3\n'
    )
    (launchers / "cryoem").chmod(0o755)
    for name, text in relion_files(folder, launchers).items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_the_environment_can_be_sourced(connected: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    names = ("RELION_QSUB_TEMPLATE", "PIPELINER_QSUB_TEMPLATE", "RELION_QUEUE_USE")
    template, other, use = sourced(connected, shell, *names)
    assert Path(template).is_file()
    assert Path(other).is_file()
    assert use == "yes"


def test_sourcing_wakes_the_courier_quietly(connected: Path) -> None:
    sourced(connected, "sh", "RELION_QUEUE_USE")
    assert (connected.parent / "bin" / "woken").read_text() == "courier wake\n"


def test_the_queue_command_survives_the_shell_that_relion_pastes_it_into(tmp_path: Path) -> None:
    launchers = tmp_path / _AWKWARD
    launchers.mkdir()
    (launchers / "cryoem-qsub").write_text('#!/bin/sh\necho "got $1"\n')
    (launchers / "cryoem-qsub").chmod(0o755)
    (tmp_path / "env.sh").write_text(relion_files(tmp_path, launchers)["env.sh"])
    (command,) = sourced(tmp_path, "sh", "RELION_QSUB_COMMAND")
    done = subprocess.run(
        ["sh", "-c", f"{command} J/run_submit.script"], capture_output=True, check=True, text=True
    )
    assert done.stdout == "got J/run_submit.script\n"


def test_the_pipeliner_gets_the_queue_command_as_it_starts_it(tmp_path: Path) -> None:
    launchers = tmp_path / "it's"
    (tmp_path / "env.sh").write_text(relion_files(tmp_path, launchers)["env.sh"])
    (command,) = sourced(tmp_path, "sh", "PIPELINER_QSUB_COMMAND")
    assert command == f"{launchers}/cryoem-qsub"
    assert pipeliner_takes(launchers)


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0"])
def test_the_pipeliner_takes_no_blank_in_the_queue_command(tmp_path: Path, blank: str) -> None:
    assert not pipeliner_takes(tmp_path / f"my{blank}programs")


def test_every_extra_field_has_a_label_a_default_and_a_help_text(connected: Path) -> None:
    (count,) = sourced(connected, "sh", "RELION_QSUB_EXTRA_COUNT")
    assert int(count) == len(EXTRA_FIELDS) == 8
    environment = (connected / "env.sh").read_text()
    for number in range(1, 9):
        for end in ("", "_DEFAULT", "_HELP"):
            assert f"export RELION_QSUB_EXTRA{number}{end}=" in environment


def filled(template: str, ranks: str, command: str, **extras: str) -> str:
    """A template as RELION fills it."""
    text = template.replace("XXXmpinodesXXX", ranks).replace("XXXthreadsXXX", "2")
    text = text.replace("XXXnameXXX", "Class2D/job008/").replace("XXXcommandXXX", command)
    for number, extra in enumerate(EXTRA_FIELDS, start=1):
        if extra.key in extras:
            text = text.replace(f"XXXextra{number}XXX", extras[extra.key])
    return text


def test_what_the_user_types_reaches_us_and_no_shell(tmp_path: Path) -> None:
    template = relion_files(tmp_path, tmp_path)["qsub-template.sh"]
    evil = f'"; touch {tmp_path}/evil; $(touch {tmp_path}/evil) `touch {tmp_path}/evil`'
    script = filled(template, "1", "true", where=evil, count="3")
    subprocess.run(["bash", "-c", script], check=True)
    assert not (tmp_path / "evil").exists()
    asked = wish(script)
    assert (asked.where, asked.count, asked.market) == (evil, 3, "")
    assert (asked.ranks, asked.threads) == (1, 2)


@pytest.mark.parametrize(("ranks", "started"), [("1", ""), ("3", "-n 3 ")])
def test_mpirun_starts_programs_only_where_there_are_ranks(
    tmp_path: Path, ranks: str, started: str
) -> None:
    for name in ("mpirun", "relion_refine"):
        (tmp_path / name).write_text('#!/bin/sh\necho "${0##*/} $*"\n')
        (tmp_path / name).chmod(0o755)
    template = relion_files(tmp_path, tmp_path)["qsub-template.sh"]
    script = filled(template, ranks, "`which relion_refine` --o x/y")
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        check=True,
        text=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    program = tmp_path / "relion_refine" if started else "relion_refine"
    launcher = f"mpirun {started}" if started else ""
    assert done.stdout == f"{launcher}{program} --o x/y\n"
    assert [call.name for call in calls(script) if call.program] == ["relion_refine"]


def test_the_pipeliner_gets_a_template_without_mpirun(tmp_path: Path) -> None:
    assert "mpirun" not in relion_files(tmp_path, tmp_path)["qsub-template-pipeliner.sh"]
