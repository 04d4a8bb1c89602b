"""Programs in containers: the command line, and jobs that are run in one.

No engine of containers is here: a stand-in for Apptainer takes exactly the options that Apptainer's
manual has, and gives the program what a container would: its own PATH.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.agent.container import Container, contained, container_on
from cryoem_cloud.agent.programs import Programs, differing
from cryoem_cloud.agent.run import start
from cryoem_cloud.agent.work import Agent
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.errors import MissingInputError
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.task import MAIN, Ready, Task
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.results import results
from cryoem_cloud.wiring.clock import SystemClock

from .test_work import OUT, Myself, of_script

FOLDER, CWD = Path("/mnt/x/project"), Path("/mnt/x/project/a b")
APPTAINER = """#!/bin/bash
[ "$1" = exec ] || exit 90
shift
while [ "${1#--}" != "$1" ]; do
    case $1 in
        --nv) shift ;;
        --bind) [ -d "${2%%:*}" ] && [ "${2%%:*}" = "${2#*:}" ] || exit 91; shift 2 ;;
        --pwd) cd "$2" || exit 92; shift 2 ;;
        *) exit 93 ;;
    esac
done
image=$1
shift
[ -e "$image" ] || exit 94
PATH=$image.d:/usr/bin:/bin exec "$@"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where Apptainer is, and nothing else is but the system's programs."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "apptainer").write_text(APPTAINER)
    (tools / "apptainer").chmod(0o755)
    return f"{tools}:/usr/bin:/bin"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A container with a RELION of its own."""
    programs = tmp_path / "relion.sif.d"
    programs.mkdir()
    (programs / "relion_refine").write_text("#!/bin/sh\necho 'RELION version: 9.2.1-commit'\n")
    (programs / "relion_refine").chmod(0o755)
    (tmp_path / "relion.sif").touch()
    return tmp_path / "relion.sif"


def test_apptainers_command_line() -> None:
    asked = contained(
        "/usr/bin/apptainer", "/x.sif", gpus=2, folder=FOLDER, cwd=CWD, command=("bash", "--", "s")
    )
    assert asked == (
        *("/usr/bin/apptainer", "exec", "--nv", "--bind", f"{FOLDER}:{FOLDER}"),
        *("--pwd", str(CWD), "/x.sif", "bash", "--", "s"),
    )
    without = contained("/singularity", "/x", gpus=0, folder=FOLDER, cwd=CWD, command=("id",))
    assert "--nv" not in without


def test_dockers_command_line() -> None:
    asked = contained(
        "/usr/bin/docker",
        "docker://lab/relion:5",
        gpus=1,
        folder=FOLDER,
        cwd=CWD,
        command=("bash", "--", "s"),
        variables=("PATH", "OMP_NUM_THREADS", "RELION_SHELL", "HOME"),
        user=(7, 8),
    )
    assert asked == (
        *("/usr/bin/docker", "run", "--rm", "--init", "--ipc", "host", "--gpus", "all"),
        *("--user", "7:8", "--volume", f"{FOLDER}:{FOLDER}", "--workdir", str(CWD)),
        *("--env", "OMP_NUM_THREADS", "--env", "RELION_SHELL"),
        *("lab/relion:5", "bash", "--", "s"),
    )


def test_what_runs_a_container_is_found_or_missed(path: str, tmp_path: Path, image: Path) -> None:
    tools = tmp_path / "tools"
    assert container_on(str(image), path) == Container(str(tools / "apptainer"), str(image))
    with pytest.raises(MissingInputError, match=r"the machine has no container /none\.sif"):
        container_on("/none.sif", path)
    (tools / "apptainer").rename(tools / "docker")
    found = container_on("docker://lab/relion", str(tools))
    assert found == Container(str(tools / "docker"), "docker://lab/relion")
    with pytest.raises(MissingInputError, match="no apptainer and no singularity"):
        container_on(str(image), str(tools))


def test_a_script_is_run_in_it(path: str, image: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "Class2D").mkdir(parents=True)
    (folder / "s.sh").write_text("pwd; relion_refine --version; echo $A; exit 3")
    environment = {"PATH": path, "A": "given"}
    running = start(
        folder / "s.sh",
        folder=folder / "Class2D",
        out=tmp_path / "out",
        err=tmp_path / "err",
        environment=environment,
        around=Programs(str(image), environment, folder, folder / "Class2D").around,
    )
    assert running.ended(20)
    assert (tmp_path / "err").read_text() == ""
    said = f"{folder / 'Class2D'}\nRELION version: 9.2.1-commit\ngiven\n"
    assert (running.code, (tmp_path / "out").read_text()) == (3, said)


def test_versions_are_compared_where_both_are_known(path: str, image: Path, tmp_path: Path) -> None:
    programs = Programs(str(image), {"PATH": path}, tmp_path, tmp_path)
    said = programs.warning(Relion(), at_home="5.0.1")
    assert said.startswith("cryoem: warning: the machine has RELION 9.2.1, your computer 5.0.1")
    assert programs.warning(Relion(), at_home="9.2.7") == ""
    assert programs.warning(Relion(), at_home="") == ""
    assert programs.warning(Shell(), at_home="1.0") == ""
    without = Programs("", {"PATH": "/nowhere"}, tmp_path, tmp_path)
    assert without.warning(Relion(), at_home="5.0.1") == ""


@pytest.mark.parametrize(
    ("home", "machine", "differs"),
    [
        ("5.0.1", "5.0.0", False),
        ("5.0.1", "5.1.0", True),
        ("3.1.3", "5.0.1", True),
        ("5.0-beta", "5.0.1", False),
        ("5", "5.0.1", True),
        ("", "5.0", False),
        ("unknown", "5.0", False),
    ],
)
def test_major_and_minor_count(home: str, machine: str, *, differs: bool) -> None:
    assert bool(differing("RELION", home=home, machine=machine)) is differs


class Versioned(Shell):
    def version(self, printed: Callable[[Sequence[str]], str]) -> str:
        return Relion().version(printed)


def lived(tmp_path: Path, path: str, container: str) -> tuple[JobRecords, Exit]:
    """The records of a job, in that container, of somebody with RELION 5, once it has ended."""
    records = of_script(f"relion_refine --version >{OUT}/x")
    job = records.job()
    asked = replace(job, number=2, wish=replace(job.wish, container=container))
    records = JobRecords(records.store, records.project, 2)
    records.put_job(asked)
    records.put_tasks(
        (Task(name=MAIN, script=f"relion_refine --version >{OUT}/x", inputs=(), at_home="5.0"),)
    )
    records.set_ready(Ready(1, 1))
    Agent(
        records=records,
        myself=Myself(),
        application=lambda _: Versioned(),
        scratch=tmp_path / "scratch",
        environment={"PATH": path},
        umask=None,
        clock=SystemClock(),
    ).live()
    end = records.end()
    assert end is not None
    return records, end


def test_a_job_is_run_in_its_container_and_told_its_version(
    path: str, image: Path, tmp_path: Path
) -> None:
    records, end = lived(tmp_path, path, str(image))
    assert end.outcome is Outcome.SUCCESS
    pages = [records.page("m", number) for number in range(1, records.pages("m") + 1)]
    said = b"".join(each.data for page in pages if page for each in page.lines).decode()
    assert said.startswith("cryoem: warning: the machine has SHELL 9.2.1, your computer 5.0")
    (made,) = results(records, records.turns(MAIN).read()[-1])
    assert made.size == len("RELION version: 9.2.1-commit\n")


def test_a_machine_that_cannot_run_the_container_says_so(path: str, tmp_path: Path) -> None:
    _, end = lived(tmp_path, path, "/opt/none.sif")
    assert end.outcome is Outcome.FAILURE
    assert "the machine has no container /opt/none.sif" in end.reason
