"""What is understood of a script that RELION wrote."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.directives import directives, wish
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.script import calls, job_folder, looks_like_relion
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.ports.application import Asked

from .conftest import make_job

_SCRIPT = """\
#!/bin/bash
#SBATCH --time=1:00
#CRYOEM name=AutoPick/job005/
#CRYOEM mpi=3
#CRYOEM threads=4
#CRYOEM where=my cluster; echo $HOME = "x"
#CRYOEM market=XXXextra3XXX
#CRYOEM count=2
module load relion/3.1; source my/env.sh
export OMP_NUM_THREADS=1
cd $PWD
mpirun -n 3 `which relion_autopick_mpi` --i "CtfFind/job003/my mics.star" --odir AutoPick/job005/ \\
   --LoG --pipeline_control AutoPick/job005/
 echo CtfFind/job003/micrographs_ctf.star > AutoPick/job005/coords_suffix_autopick.star
"""


def test_directives_are_free_text_and_unset_ones_are_empty() -> None:
    said = directives(_SCRIPT)
    assert said["where"] == 'my cluster; echo $HOME = "x"'
    assert said["market"] == ""
    assert said["name"] == "AutoPick/job005/"


def test_ranks_and_threads_that_are_no_numbers_count_as_unset() -> None:
    asked = wish(_SCRIPT)
    assert (asked.ranks, asked.threads, asked.count) == (3, 4, 2)
    assert wish("#CRYOEM mpi=XXXmpinodesXXX\n#CRYOEM threads=\n").ranks == 1


def test_the_programs_are_found_among_other_commands() -> None:
    found = list(calls(_SCRIPT))
    assert [call.program.name for call in found if call.program] == ["relion_autopick"]
    (call,) = [call for call in found if call.program]
    assert call.mpi
    assert call.controlled
    value = call.value("--i")
    assert value is not None
    assert value.text == "CtfFind/job003/my mics.star"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("`which relion_refine` --o x/y", "relion_refine"),
        ("$(which relion_refine) --o x/y", "relion_refine"),
        ("/opt/relion 3/bin/relion_refine --o x".replace(" ", "\\ ", 1), "relion_refine"),
        ("$run `which relion_refine_mpi`", "relion_refine_mpi"),
        ("A=1 nice srun -n 2 relion_refine_mpi", "relion_refine_mpi"),
        ("time relion_refine | tee log", "relion_refine"),
        ("relion_python_topaz --x", "relion_python_topaz"),
        ("echo relion_refine", "echo"),
        ("my_program --exe relion_python_topaz", "relion_python_topaz"),
    ],
)
def test_a_call_has_the_name_of_its_program(command: str, name: str) -> None:
    assert next(calls(command)).name == name


def test_of_an_option_given_twice_the_last_counts() -> None:
    value = next(calls("relion_refine --i a --i b --j")).value("--i")
    assert value is not None
    assert value.text == "b"


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("relion_refine --o Class2D/job001/run", "Class2D/job001"),
        ("relion_refine --o a/run --pipeline_control Class2D/job001/", "Class2D/job001/"),
        ("relion_run_motioncorr --o MotionCorr/job002", "MotionCorr/job002"),
        ("relion_preprocess --part_star E/job3/p.star --part_dir E/job3/", "E/job3/"),
        ("relion_new_program --o X/job004/out.mrc", "X/job004"),
        ("relion_new_program --i a", ""),
        ("echo --o X/y", ""),
    ],
)
def test_the_jobs_folder_is_where_the_program_writes(command: str, folder: str) -> None:
    assert job_folder(next(calls(command))) == folder


@pytest.mark.parametrize(
    ("folder", "says"), [("/p/C/job1/", "its absolute path"), ("../C/job1/", "outside the project")]
)
def test_a_folder_that_cannot_be_the_jobs_is_told_as_what_it_is(folder: str, says: str) -> None:
    asked = Asked(project=Path("/p"), script=f"relion_run_motioncorr --i a.star --o {folder}\n")
    with pytest.raises(UsageError, match=says):
        Relion().outputs(asked)


def test_scripts_are_known_by_their_name_or_by_what_they_call() -> None:
    assert looks_like_relion("./my_own --o x", "External/job009/run_submit.script")
    assert looks_like_relion("'relion_refine", "")
    assert not looks_like_relion("# relion_refine\nls", "x.sh")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("#CRYOEM in=a out=b", "one key a line"),
        ("#CRYOEM market=spot count=2", "one key a line"),
        ("#CRYOEM cuont=2", "there is no key 'cuont'"),
        ("#CRYOEM count=two", "'#CRYOEM count=two': count should be a whole number above 0"),
        ("#CRYOEM count=0", "count should be a whole number above 0, found '0'"),
        ("#CRYOEM count=-1", "count should be a whole number above 0, found '-1'"),
        ("#CRYOEM pieces=many", "pieces should be a whole number above 0, found 'many'"),
        ("#CRYOEM deadline=soon", "deadline should be a time above 0, found 'soon'"),
        ("#CRYOEM deadline=0h", "deadline should be a time above 0, found '0h'"),
        ("#CRYOEM budget=50EUR", "budget should be US dollars, found '50EUR'"),
        ("#CRYOEM budget=0", "budget should be US dollars, found '0'"),
        ("#CRYOEM budget=-1", "budget should be US dollars, found '-1'"),
    ],
)
def test_a_line_that_would_be_misread_is_refused(line: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        wish(f"{line}\n")
    assert says in str(refused.value)


@pytest.mark.parametrize("key", ["count", "max_machines", "pieces"])
@pytest.mark.parametrize("value", ["", " ", "XXXextra4XXX", "3"])
def test_a_number_may_be_left_unset(key: str, value: str) -> None:
    asked = wish(f"#CRYOEM {key}={value}\n")
    assert (asked.count + asked.max_machines + asked.pieces) == (3 if value == "3" else 0)


@pytest.mark.parametrize(
    ("deadline", "seconds"), [("8h", 28800), ("90m", 5400), ("1.5d", 129600), ("", 0)]
)
def test_a_deadline_is_a_time_as_people_write_it(deadline: str, seconds: int) -> None:
    assert wish(f"#CRYOEM deadline={deadline}\n").deadline_s == seconds


@pytest.mark.parametrize(
    ("budget", "usd"), [("50", "50"), ("$12.50", "12.50"), ("", "0"), ("XXXextra7XXX", "0")]
)
def test_a_budget_is_in_us_dollars(budget: str, usd: str) -> None:
    asked = wish(f"#CRYOEM budget={budget}\n")
    assert str(asked.budget_usd) == usd


@pytest.mark.parametrize("line", ["#CRYOEM in=./out=b c", "#CRYOEM name=x count=2"])
def test_names_may_look_like_keys(line: str) -> None:
    assert wish(f"{line}\n").count == 0


@pytest.mark.parametrize("word", ["*/", "/", "bin/", "''"])
def test_a_command_that_is_a_folder_has_a_name(word: str) -> None:
    (call,) = calls(word)
    assert call.name


@pytest.mark.parametrize(
    ("script", "longest"),
    [
        ("mpirun -n 2 relion_run_ctffind_mpi --i m.star --o C/job001/", 179),
        ("relion_run_ctffind --i m.star --o C/job001/", 179),
        ("relion_refine --i p.star --o C/job001/run", None),
    ],
)
def test_ctffind_takes_no_long_path_of_its_folder(script: str, longest: int | None) -> None:
    assert Relion().longest_folder(make_job(script, outputs=("C/job001",))) == longest


@pytest.mark.parametrize(
    ("script", "speaks"),
    [
        ("relion_refine --i p.star --o C/job001/run", True),
        ("cd .\nmpirun -n 3 relion_refine_mpi --i p.star --o C/job001/run", True),
        ("relion_refine --i p.star --o C/job001/run\npython3 mine.py", False),
    ],
)
def test_only_relions_own_programs_are_known_to_write_as_they_work(
    script: str, *, speaks: bool
) -> None:
    assert Relion().speaks(make_job(script, outputs=("C/job001",))) is speaks
