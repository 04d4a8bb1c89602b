"""Scripts for other machines."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.adapt import worker_environment
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.view import View

from .conftest import make_job

_CPU = Shape(cores=8, memory_gib=32)
_GPU = Shape(cores=8, memory_gib=32, gpus=2, scratch="/scratch")
_FIXED = Shape(cores=8, memory_gib=32, fixed=True)


_EMPTY = Here(Path("/nowhere"))


def adapted(script: str, shape: Shape = _CPU, view: View = _EMPTY, **other: object) -> str:
    return Relion().adapted(make_job(script, **other), shape, view)


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        (
            "`which relion_refine` --o x/r --j 1",
            "mpirun --bind-to none -n 3 `which relion_refine_mpi` --o x/r --j 4",
        ),
        ("relion_refine --grad --o x/r", "relion_refine --grad --o x/r --j 8"),
        (
            "mpirun -n 1 `which relion_refine` --o x/r --continue c --j 1",
            "mpirun --bind-to none -n 1 `which relion_refine` --o x/r --continue c --j 8",
        ),
        (
            "$run `which relion_autopick` --odir a/b/ --LoG",
            "$run mpirun --bind-to none -n 8 `which relion_autopick_mpi` --odir a/b/ --LoG",
        ),
        (
            "mpirun -np 1 relion_preprocess --part_dir e/f/",
            "mpirun --bind-to none -np 8 relion_preprocess_mpi --part_dir e/f/",
        ),
        ("relion_star_handler --i a --o s/t", "relion_star_handler --i a --o s/t"),
        ("relion_particle_subtract --i a --o s/t", "relion_particle_subtract --i a --o s/t"),
        ("relion_import --i a --odir i/j/", "relion_import --i a --odir i/j/"),
        ("relion_postprocess --i a --o p/q", "relion_postprocess --i a --o p/q"),
        (
            "relion_postprocess --locres --i a --o p/q",
            "mpirun --bind-to none -n 8 relion_postprocess_mpi --locres --i a --o p/q",
        ),
        ("relion_autopick --topaz_train --odir a/b/", "relion_autopick --topaz_train --odir a/b/"),
    ],
)
def test_one_rank_and_one_thread_become_what_the_machine_has(script: str, wanted: str) -> None:
    assert adapted(f"# first\n{script}\necho done\n") == f"# first\n{wanted}\necho done\n"


_HALVES = "--auto_refine --split_random_halves"
_BODIES = "--continue c --multibody_masks b"


def counts(script: str) -> tuple[int, int]:
    """The ranks and threads with which a script calls the program."""
    words = script.split()
    ranks = int(words[words.index("-n") + 1]) if "-n" in words else 1
    assert ("relion_refine_mpi" in words) is (ranks > 1)
    return ranks, int(words[words.index("--j") + 1])


@pytest.mark.parametrize(
    ("options", "machine", "wanted"),
    [
        # halves: a leader, and as many ranks for each half
        (_HALVES, (2, 8, 0), (3, 1)),
        (_HALVES, (1, 8, 0), (3, 1)),
        (_HALVES, (4, 8, 0), (3, 2)),
        (_HALVES, (8, 32, 0), (3, 4)),
        (_HALVES, (12, 64, 0), (3, 6)),
        (_HALVES, (16, 80, 0), (5, 4)),
        (_HALVES, (96, 384, 0), (23, 4)),
        (_HALVES, (96, 192, 0), (11, 9)),
        (_HALVES, (96, 96, 0), (5, 24)),
        (_HALVES, (96, 16, 0), (3, 48)),
        (_BODIES, (16, 80, 0), (5, 4)),
        (_HALVES, (8, 64, 1), (3, 4)),
        (_HALVES, (48, 192, 4), (5, 12)),
        (_HALVES, (24, 192, 3), (7, 4)),
        (_HALVES, (96, 1024, 2), (3, 16)),
        # classes
        ("--K 3", (2, 8, 0), (1, 2)),
        ("--K 3", (7, 64, 0), (1, 7)),
        ("--K 3 --ref a.mrc", (8, 16, 0), (1, 8)),
        ("--K 3", (12, 64, 0), (4, 4)),
        ("--K 3", (16, 64, 0), (5, 4)),
        ("--K 3", (64, 64, 0), (17, 4)),
        ("--K 3 --ref a.mrc", (64, 64, 0), (4, 21)),
        ("--K 3 --sym C1", (64, 32, 0), (1, 64)),
        ("--K 3", (8, 64, 1), (1, 8)),
        ("--K 3", (48, 64, 1), (1, 16)),
        ("--K 3", (48, 192, 4), (5, 12)),
        # what one process does, and what may be
        ("--grad --denovo_3dref", (64, 256, 0), (1, 64)),
        ("--sgd --denovo_3dref", (64, 256, 4), (1, 16)),
        ("--continue c", (64, 256, 0), (1, 64)),
    ],
)
def test_ranks_and_threads_suit_the_machine(
    options: str, machine: tuple[int, int, int], wanted: tuple[int, int]
) -> None:
    """A machine is its cores, its GiB, and its GPUs; wanted are ranks, and threads of each."""
    cores, memory, gpus = machine
    shape = Shape(cores=cores, memory_gib=memory, gpus=gpus)
    assert counts(adapted(f"relion_refine {options} --o x/r", shape)) == wanted


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        (
            f"relion_refine {_HALVES} --o x/r --j 4",
            f"mpirun --bind-to none -n 3 relion_refine_mpi {_HALVES} --o x/r --j 4",
        ),
        (
            f"mpirun -n 2 relion_refine_mpi {_HALVES} --o x/r --j 1",
            f"mpirun --bind-to none -n 3 relion_refine_mpi {_HALVES} --o x/r --j 1",
        ),
        (
            f"mpirun -n 6 relion_refine_mpi {_BODIES} --o x/r --j 1",
            f"mpirun --bind-to none -n 5 relion_refine_mpi {_BODIES} --o x/r --j 1",
        ),
        (
            "mpirun -n 1 relion_refine_mpi --K 3 --o x/r --j 1",
            "mpirun --bind-to none -n 2 relion_refine_mpi --K 3 --o x/r --j 1",
        ),
        (
            f"#CRYOEM mpi=4\n$run relion_refine_mpi {_HALVES} --o a/b",
            f"#CRYOEM mpi=4\nmpirun --bind-to none -n 3 relion_refine_mpi {_HALVES} --o a/b",
        ),
    ],
)
def test_ranks_with_which_the_program_refuses_to_start_are_put_right(
    script: str, wanted: str
) -> None:
    assert adapted(script) == wanted
    assert adapted(script, _FIXED) == script


@pytest.mark.parametrize(
    "script",
    [
        "mpirun -n 5 relion_refine_mpi --auto_refine --split_random_halves --o x/r --j 1",
        "mpirun -n 4 relion_refine_mpi --K 3 --o x/r --j 1",
        "mpirun --n 5 relion_refine_mpi --auto_refine --split_random_halves --o x/r --j 1",
        "#CRYOEM mpi=5\n$run relion_refine_mpi --auto_refine --split_random_halves --o x/r --j 1",
        "$run relion_refine_mpi --auto_refine --split_random_halves --o x/r --j 1",
        "srun -n 5 relion_refine_mpi --auto_refine --split_random_halves --o x/r --j 1",
        "mpirun -n 4\u00b2 relion_refine_mpi --K 3 --o x/r --j 1",
        "mpirun -n $N relion_refine_mpi --auto_refine --split_random_halves --o x/r --j 1",
        "relion_refine --o x/r --j 2",
        "mpirun -n 3 relion_refine_mpi --o x/r --j 1",
        "#CRYOEM mpi=2\nrelion_autopick --odir a/b/",
        "#CRYOEM threads=4\nrelion_refine --o x/r --j 1",
        "mpirun -n 2 relion_particle_subtract_mpi --o s/t",
    ],
)
def test_counts_that_the_user_chose_stay(script: str) -> None:
    assert adapted(script) == script


def test_nothing_changes_where_counts_are_fixed() -> None:
    script = "mpirun -n 1 relion_refine --o x/r --j 1 --gpu 0 --scratch_dir /ssd"
    assert adapted(script, _FIXED) == script


def test_gpus_and_scratch_are_the_machines_own() -> None:
    script = 'relion_refine --sgd --o x/r --gpu "0:1" --scratch_dir /ssd --j 1'
    told = "relion_refine --sgd --o x/r"
    assert adapted(script, _GPU) == f'{told} --gpu "" --scratch_dir /scratch --j 8'
    assert adapted(script).split() == [*told.split(), "--j", "8"]


def test_scratch_is_the_machines_own_even_where_counts_stay() -> None:
    script = "relion_refine --o x/r --j 6 --scratch_dir /ssd"
    assert adapted(script, _GPU) == "relion_refine --o x/r --j 6 --scratch_dir /scratch"


@pytest.mark.parametrize("question", ["--version", "--help"])
def test_what_a_program_is_asked_about_itself_stays(question: str) -> None:
    script = f"relion_refine {question}\nrelion_refine --grad --o x/r --j 1"
    assert adapted(script) == f"relion_refine {question}\nrelion_refine --grad --o x/r --j 8"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("relion_autopick --odir a/b/ --LoG", False),
        ("relion_autopick --odir a/b/ --ref x.star", True),
        ("relion_run_motioncorr --i m.star --o m/ --use_own", False),
        ("relion_run_motioncorr --i m.star --o m/ --use_motioncor2", True),
        ("relion_run_ctffind --i m.star --o c/", False),
        ("relion_align_tiltseries --i t.star --o a/ --imod_fiducials", False),
        ("relion_align_tiltseries --i t.star --o a/ --aretomo2", True),
    ],
)
def test_gpus_are_offered_to_what_takes_them(words: str, wanted: bool) -> None:  # noqa: FBT001
    assert ("--gpu" in adapted(words, _GPU).split()) is wanted


def test_a_picker_that_refuses_gpus_runs_on_all_cores() -> None:
    assert "-n 8" in adapted("relion_autopick --odir a/b/ --LoG", _GPU)


def test_on_gpus_pickers_run_one_rank_each() -> None:
    assert adapted("relion_autopick --odir a/b/", _GPU) == (
        'mpirun --bind-to none -n 2 relion_autopick_mpi --odir a/b/ --gpu ""'
    )


@pytest.mark.parametrize("shape", [_FIXED, _CPU])
def test_inputs_from_outside_are_read_where_they_are_staged(shape: Shape) -> None:
    script = "#CRYOEM threads=2\nrelion_run_motioncorr --i a.star --gainref '/d/my gain.mrc' --o m/"
    assert adapted(script, shape) == script.replace("'/d/my", "'.cryoem-abs/d/my")


def test_local_programs_keep_their_absolute_names() -> None:
    script = "relion_run_ctffind --i a.star --o c/d/ --ctffind_exe /usr/local/bin/ctffind"
    assert adapted(script, _FIXED) == script


def test_a_detour_through_the_parent_is_straightened() -> None:
    script = "relion_refine --i a/../b.star --o x/r"
    assert adapted(script, _FIXED) == "relion_refine --i b.star --o x/r"


def test_the_wish_of_the_job_counts_as_the_users_choice() -> None:
    script = "relion_refine --o x/r"
    assert adapted(script, wish=Wish(ranks=3)) == script


def test_a_worker_gets_what_it_lacks_and_keeps_what_it_has() -> None:
    bare = worker_environment({}, is_root=True, has_csh=False)
    assert bare["RELION_SHELL"] == "bash"
    assert bare["OMPI_ALLOW_RUN_AS_ROOT"] == "1"
    full = worker_environment({"RELION_SHELL": "tcsh"}, is_root=False, has_csh=False)
    assert "RELION_SHELL" not in full
    assert "OMPI_ALLOW_RUN_AS_ROOT" not in full
    assert "RELION_SHELL" not in worker_environment({}, is_root=False, has_csh=True)


_PIECES = st.sampled_from(
    [
        "relion_refine",
        "relion_autopick",
        "mpirun",
        "-n",
        "1",
        "--j",
        "--gpu",
        "--o",
        "x/y",
        "--i",
        "/abs",
        "../up",
        "\n",
        ";",
        "'q r'",
        '"',
        "`which relion_refine`",
        "--scratch_dir",
        "--reuse_scratch",
        "--preread_images",
        "--continue",
        "#",
    ]
)


@given(st.lists(_PIECES, max_size=16), st.sampled_from([_CPU, _GPU, _FIXED]))
def test_what_bash_understands_it_understands_after_adaptation(
    pieces: list[str], shape: Shape
) -> None:
    script = " ".join(pieces)
    try:
        changed = adapted(script, shape, outputs=("x",))
    except CryoemError:
        return
    if subprocess.run(["bash", "-n"], input=script.encode(), check=False).returncode == 0:
        after = subprocess.run(["bash", "-n"], input=changed.encode(), check=False)
        assert after.returncode == 0
