"""Which programs that are not RELION's a job calls, and where a machine's script has them."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.programs import calling
from cryoem_cloud.apps.relion.row import Executable
from cryoem_cloud.ports.application import Called, Shape
from cryoem_cloud.settings import EXECUTABLES

from .conftest import make_job

_VARIABLE = "RELION_CTFFIND_EXECUTABLE"
_CTF = "`which relion_run_ctffind` --i m.star --o C/job001/"
_HERE = {"cores": 1, "memory_gib": 1.0, "fixed": True}


def called(script: str, **env: str) -> tuple[Called, ...]:
    return Relion().executables(make_job(script, outputs=("C/job001",)), env)


def words(script: str, **env: str) -> dict[str, str]:
    return {one.name: one.word for one in called(script, **env)}


def test_the_settings_know_the_programs_that_are_called() -> None:
    shared = vars(calling).values()
    each = [one for found in shared for one in (found if isinstance(found, tuple) else (found,))]
    named = {one.name for one in each if isinstance(one, Executable)}
    assert named == set(EXECUTABLES)
    assert f"{', '.join(f'`{name}`' for name in EXECUTABLES[:-1])}" in _page()


def _page() -> str:
    page = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
    return " ".join(page.read_text().split())


@pytest.mark.parametrize(
    ("options", "env", "word", "asked_by"),
    [
        ("--ctffind_exe /a/ctffind", {_VARIABLE: "/b"}, "/a/ctffind", "--ctffind_exe"),
        ("", {_VARIABLE: "/b/ctffind"}, "/b/ctffind", _VARIABLE),
        ('--ctffind_exe ""', {_VARIABLE: "/b/ctffind"}, "/b/ctffind", _VARIABLE),
        ("", {}, "", "relion_run_ctffind"),
    ],
)
def test_relion_takes_the_option_then_the_variable(
    options: str, env: dict[str, str], word: str, asked_by: str
) -> None:
    (one,) = called(f"{_CTF} {options}\n", **env)
    assert (one.name, one.word) == ("ctffind", word)
    assert asked_by in one.asked_by
    assert "CTFFIND-4.1 executable" in one.remedy
    assert f"export {_VARIABLE}=" in one.remedy


@pytest.mark.parametrize(
    ("script", "found"),
    [
        (f"{_CTF} --ctffind_exe /c --use_gctf --gctf_exe /g", {"gctf": "/g"}),
        ("relion_run_motioncorr --i a --o b/c/ --use_own", {}),
        ("relion_run_motioncorr --use_motioncor2 --motioncor2_exe /m", {"motioncor2": "/m"}),
        ("relion_autopick --i a --odir b/c/ --LoG", {}),
        ("relion_autopick --topaz_extract --topaz_exe /t", {"topaz": "/t"}),
        ("relion_autopick --topaz_train --fn_topaz_exe /t", {"topaz": "/t"}),
        ("relion_autopick --topaz_extract --fn_topaz_exe relion_python_topaz", {}),
        ("relion_autopick --topaz_extract", {}),
        ("relion_refine --o b/c --external_reconstruct", {}),
        ("/x/ResMap-1.1.4-linux64 --noguiSplit a b", {"resmap": "/x/ResMap-1.1.4-linux64"}),
        ("relion_run_align_tiltseries --o b/ --aretomo2", {"aretomo2": "AreTomo2"}),
        ("relion_align_tiltseries --o b/ --imod_patchtrack", {"batchruntomo": "batchruntomo"}),
        ("echo --ctffind_exe /c", {}),
    ],
)
def test_only_what_the_flags_make_a_program_call_is_looked_for(
    script: str, found: dict[str, str]
) -> None:
    assert words(script) == found


def test_another_program_for_reconstruction_is_named_by_a_variable_alone() -> None:
    script = "relion_refine --o b/c --external_reconstruct"
    env = {"RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE": "/x/mine"}
    assert words(script, **env) == {"external_reconstruct": "/x/mine"}


@pytest.mark.parametrize(
    ("script", "certain"),
    [
        (f"{_CTF} --ctffind_exe ctffind", True),
        (f"module load ctffind\n{_CTF} --ctffind_exe ctffind", False),
        (f"export {_VARIABLE}=/x\n{_CTF}", False),
        (f"{_VARIABLE}=/x {_CTF}", False),
        (f"source env.sh; {_CTF}", False),
        (f"module load ctffind\n{_CTF} --ctffind_exe /x/ctffind", True),
    ],
)
def test_what_the_script_may_yet_change_is_not_certain(script: str, *, certain: bool) -> None:
    assert called(script)[0].certain is certain


def test_what_relion_offers_if_told_nothing_is_called_that() -> None:
    (one,) = called(f"{_CTF} --ctffind_exe /public/EM/ctffind/ctffind.exe")
    assert "if it is told nothing" in one.remedy
    assert "if it is told nothing" not in called(f"{_CTF} --ctffind_exe /x")[0].remedy


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        (f"{_CTF} --ctffind_exe /home/me/ctffind --Box 512", "--ctffind_exe '/on it' --Box 512"),
        (f"{_CTF} --Box 512", "--Box 512 --ctffind_exe '/on it'"),
        (f"{_CTF} --use_gctf --gctf_exe /g", "--use_gctf --gctf_exe /g"),
    ],
)
def test_a_machines_script_has_the_program_where_the_machine_has_it(
    script: str, wanted: str
) -> None:
    shape = Shape(**_HERE, executables={"ctffind": "/on it"})  # type: ignore[arg-type]  # by name
    adapted = Relion().adapted(make_job(script), shape, Here(Path("/nowhere")))
    assert adapted == f"{_CTF} {wanted}"


def test_a_program_that_no_option_names_is_named_by_its_variable() -> None:
    shape = Shape(**_HERE, executables={"external_reconstruct": "/m", "resmap": "/r"})  # type: ignore[arg-type]  # by name
    script = "mpirun -n 3 relion_refine_mpi --o b/c --external_reconstruct\n/x/ResMap-1 a\n"
    assert Relion().adapted(make_job(script), shape, Here(Path("/nowhere"))) == (
        "env RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE=/m mpirun -n 3 relion_refine_mpi"
        " --o b/c --external_reconstruct\n/r a\n"
    )
