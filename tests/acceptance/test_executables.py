"""CtfFind with the real RELION, where the program that it calls is, is not, or cannot be run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.sending.executables import arranged
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.ports.application import Shape
from tests.apps.conftest import RelionProject, make_job, relion_project
from tests.apps.test_closure_relion import run_script

from .conftest import FAILURES, SUCCESS, World, end_world, make_world

__all__ = ["relion_project"]

pytestmark = pytest.mark.relion

_VARIABLE = "RELION_CTFFIND_EXECUTABLE"
_ELF_OF_ANOTHER_KIND = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(200)
"""Says that it is for RISC-V, in the byte order of x86."""


def script_of(project: RelionProject, word: str) -> str:
    """The CtfFind job's script, calling that program ("": naming none)."""
    script = project.ran["CtfFind"].script
    named = f"--ctffind_exe {project.path.parent / 'ctffind'}"
    assert named in script
    return script.replace(named, f"--ctffind_exe {word}" if word else "")


def run(world: World, project: RelionProject, word: str) -> Card:
    """Submit the job as RELION would; how it ended."""
    folder = project.ran["CtfFind"].folder
    number = world.submit(script_of(project, word), name=folder)
    return world.wait_for_end(number)


@pytest.fixture
def world(relion_project: RelionProject, tmp_path: Path) -> Iterator[World]:
    """A user with motion-corrected micrographs."""
    made = make_world(tmp_path)
    folder = relion_project.ran["MotionCorr"].folder
    shutil.copytree(relion_project.path / folder, made.project / folder)
    yield made
    end_world(made)


def micrographs(folder: Path) -> list[str]:
    """The rows of micrographs that have CTF values."""
    lines = (folder / "micrographs_ctf.star").read_text().splitlines()
    return [line for line in lines if line.startswith("MotionCorr/")]


def test_the_program_that_the_option_names_is_called(
    relion_project: RelionProject, world: World
) -> None:
    card = run(world, relion_project, str(relion_project.path.parent / "ctffind"))
    assert (card.outcome, card.reason) == (Outcome.SUCCESS, "")
    assert len(micrographs(world.project / card.outputs[0])) == 3


def test_the_program_that_the_variable_names_is_called(
    relion_project: RelionProject, world: World
) -> None:
    world.env[_VARIABLE] = str(relion_project.path.parent / "ctffind")
    card = run(world, relion_project, "")
    assert (card.outcome, card.reason) == (Outcome.SUCCESS, "")
    assert len(micrographs(world.project / card.outputs[0])) == 3


def test_a_program_in_the_project_travels(relion_project: RelionProject, world: World) -> None:
    (world.project / "bin").mkdir()
    shutil.copy(relion_project.path.parent / "ctffind", world.project / "bin/ctffind")
    card = run(world, relion_project, "bin/ctffind")
    assert (card.outcome, card.reason) == (Outcome.SUCCESS, "")
    assert len(micrographs(world.project / card.outputs[0])) == 3


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("/gone/ctffind", "--ctffind_exe calls /gone/ctffind, and there is no such file"),
        ("no-such-ctffind", "no such program in your PATH"),
        ("", "nothing says which program that is"),
    ],
)
def test_a_missing_program_is_told_before_anything_is_sent(
    relion_project: RelionProject, world: World, word: str, said: str
) -> None:
    card = run(world, relion_project, word)
    assert card.outcome is Outcome.FAILURE
    assert card.bytes_up == 0
    assert said in card.reason
    assert not world.records(card.number).tasks(0)
    for text in (
        (world.project / card.outputs[0] / "run.err").read_text(),
        world.command("cryoem", "why", str(card.number)),
    ):
        assert said in text
        assert "CTFFIND-4.1 executable" in text
        assert f"export {_VARIABLE}=" in text


def test_a_program_that_may_not_be_executed_is_told(
    relion_project: RelionProject, world: World
) -> None:
    plain = world.home / "ctffind"
    shutil.copyfile(relion_project.path.parent / "ctffind", plain)
    card = run(world, relion_project, str(plain))
    assert card.outcome is Outcome.FAILURE
    assert f"calls {plain}, which may not be executed" in card.reason
    assert f"chmod +x {plain}" in card.reason
    assert card.bytes_up == 0


def test_a_program_for_another_machine_makes_nothing_and_is_told(
    relion_project: RelionProject, world: World
) -> None:
    """RELION 3.1 calls that a success."""
    foreign = world.home / "ctffind"
    foreign.write_bytes(_ELF_OF_ANOTHER_KIND)
    foreign.chmod(0o755)
    card = run(world, relion_project, str(foreign))
    folder = world.project / card.outputs[0]
    assert card.outcome is Outcome.FAILURE
    assert (folder / FAILURES[0]).exists()
    assert not (folder / SUCCESS).exists()
    assert micrographs(folder) == []
    why = world.command("cryoem", "why", str(card.number))
    for text in ((folder / "run.err").read_text(), why):
        assert "no micrograph has CTF values" in text
        assert f"{foreign} is a program for another kind of processor" in text


def test_a_setting_takes_the_place_of_what_the_job_names(
    relion_project: RelionProject, world: World
) -> None:
    settings = world.project / ".cryoem/settings.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f'[executables]\nctffind = "{relion_project.path.parent / "ctffind"}"\n')
    card = run(world, relion_project, "/public/EM/ctffind/ctffind.exe")
    assert (card.outcome, card.reason) == (Outcome.SUCCESS, "")
    assert len(micrographs(world.project / card.outputs[0])) == 3


def test_a_machine_elsewhere_runs_the_users_own_file(
    relion_project: RelionProject, tmp_path: Path
) -> None:
    """A folder that holds what is sent stands for the machine; the user's file is moved away."""
    mine = tmp_path / "home/ctffind"
    mine.parent.mkdir()
    shutil.copy(relion_project.path.parent / "ctffind", mine)
    job = make_job(script_of(relion_project, str(mine)))
    found = arranged(
        Relion().executables(job, {}),
        Shape(cores=1, memory_gib=4.0),
        project=relion_project.path,
        chosen={},
        env={},
    )
    machine = tmp_path / "machine"
    (need,) = found.needs
    staged = machine / ".cryoem-abs" / need.path.removeprefix("@abs/")
    staged.parent.mkdir(parents=True)
    mine.rename(staged)
    for need in Relion().needs(job, Here(relion_project.path)):
        (machine / need.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(relion_project.path / need.path, machine / need.path)
    (machine / job.outputs[0]).mkdir(parents=True, exist_ok=True)
    adapted = Relion().adapted(job, found.shape, Here(relion_project.path))
    done = run_script(adapted, machine)
    assert done.returncode == 0, done.stderr
    assert len(micrographs(machine / job.outputs[0])) == 3
