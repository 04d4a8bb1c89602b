"""Scripts whose files only running them would tell are refused, with the word and its line."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.ports.application import Asked

_REFINE = "relion_refine --i a.star --o Class2D/mine/run"


def outputs(script: str, cwd: str = ".") -> tuple[str, ...]:
    return Relion().outputs(Asked(project=Path("/p"), script=script, cwd=cwd))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("F=a.star\nrelion_refine --i $F --o Class2D/mine/run", "line 2.*--i [$]F"),
        (f'{_REFINE} --ref "${{F}}.mrc"', 'line 1.*--ref "[$]{F}.mrc"'),
        ("relion_refine --i `ls *.star` --o Class2D/mine/run", "line 1.*--i `ls [*].star`"),
        ("relion_refine --i a.star --o $OUT/run", r"line 1.*--o [$]OUT/run"),
        (f"{_REFINE} --pipeline_control $JOB", "line 1.*--pipeline_control [$]JOB"),
        (f"cd sub && {_REFINE}", "line 1: after cd sub relion_refine"),
        (f"true\ncd $PBS_O_WORKDIR\n{_REFINE}", "line 2: after cd [$]PBS_O_WORKDIR"),
        (f"cd a; cd ../b; {_REFINE}", "line 1: after cd ../b"),
        (f"cd a; cd -; {_REFINE}", "line 1: after cd -"),
    ],
)
def test_what_is_not_understood_is_named(script: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        outputs(script)
    assert "cryoem run --in" in refused.value.hint


@pytest.mark.parametrize(
    "script",
    [
        _REFINE,
        f"$run {_REFINE} --j $THREADS",
        f"cd $PWD\n{_REFINE}",
        f"cd a; make; cd ..; {_REFINE}",
        "relion_refine --i 'a$1.star' --ref b\\$.mrc --o Class2D/mine/run",
        f"{_REFINE}\ncd $HOME; ls",
    ],
)
def test_what_is_plain_is_taken(script: str) -> None:
    assert outputs(script) == ("Class2D/mine",)


def test_a_folder_below_the_project_is_no_place_for_relions_programs() -> None:
    with pytest.raises(UsageError, match="relion_refine would run in sub"):
        outputs(_REFINE, cwd="sub")
