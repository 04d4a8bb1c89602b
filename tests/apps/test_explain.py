"""What RELION said when it was provoked, and what we make of it."""

import re
import tomllib
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.causes import CAUSES, WARNINGS
from cryoem_cloud.apps.relion.causes.cause import Cause
from cryoem_cloud.apps.relion.explain import explained, report
from cryoem_cloud.apps.verdict import without_last_words
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.ports.application import START_BYTES, Finished

from .conftest import make_job

_SAID = {
    version: tomllib.loads((Path(__file__).parent / f"said/relion-{version}.toml").read_text())
    for version in ("3.1.3", "5.0.1")
}
_CASES = [(version, name) for version, cases in _SAID.items() for name in cases]

_MEANS = {
    "ctf-no-csh": "no micrograph has CTF values; has no csh",
    "ctf-missing": "there is no /gone/ctffind on the machine",
    "ctf-none": "_ctffind4.log files",
    "ctf-arch": "./bad is a program for another kind of processor",
    "ctf-noexec": "./plain may not be executed",
    "ctf-fails": "_ctffind4.log files",
    "ctf-lib": "./bad needs the library libfftwf3x.so",
    "ctf-empty": "no micrograph",
    "ctf-gctf": "built without support for GPUs",
    "mc-gain": "the gain reference has another size than the movies",
    "mc-nogain": "the machine had no file gone.mrc:",
    "mc-mc2": "nothing says which program MotionCor2 is",
    "mc-mc2gone": "no movie was corrected; /gone/mc2 failed, or is no program",
    "mc-gone": "the machine had no file Movies/mic_2.tif:",
    "mc-mics": "list of movies",
    "mc-few": "no movie was corrected; too few frames after grouping",
    "mc-empty": "list of movies",
    "pick-zero": "no particle was picked",
    "pick-diameter": "the mask's diameter is larger than the references' box",
    "pick-noref": "the machine had no file gone.mrcs:",
    "pick-gpu": "built without support for GPUs",
    "ext-odd": "the box size is an odd number",
    "ext-bg": "the particle's diameter leaves no background in its box",
    "ext-outside": "particle1 lies outside MotionCorr/job003/Movies/mic_1.mrc",
    "ext-zero": "no particle was extracted in J/job020/particles.star",
    "ext-optics": "the particles' optics group otherGroup is none of the micrographs'",
    "sel-label": "is no number, or is no column",
    "sel-label2": "the list has no column rlnClassNumber",
    "join-mismatch": "the lists that are to be joined",
    "2d-diameter": "the particle's diameter leaves no background in its box",
    "2d-empty": "there is no particle in Extract/job007/particles.star",
    "2d-missing": "the machine had no file Extract/job007/Movies/mic_1.mrcs:",
    "2d-truncated": "some particles are no images of anything",
    "2d-stub": "Extract/job007/Movies/mic_1.mrcs is empty or no image",
    "2d-nostar": "the machine had no file gone.star:",
    "2d-scratch": "the scratch folder /proc/none cannot be written",
    "2d-outdir": "#CRYOEM out=FOLDER",
    "2d-opt": "an option that takes a number was given none",
    "2d-fewcols": "a list has a row that is cut off",
    "2d-crlf": "a list has the line ends of Windows",
    "2d-mem": "the machine's memory (RAM) ran out",
    "3d-sizes": "the reference's box has 48 pixels, the particles' 32",
    "3d-apix": "the reference has 5 Å a pixel, the particles 7",
    "auto-nompi": "Refine3D cannot run as a single process",
    "auto-two": "Refine3D needs three MPI processes or more",
    "auto-even": "Refine3D needs an odd number of MPI processes",
    "mpi-one": "this program's MPI version needs two processes or more",
    "mpi-slots": "64 MPI processes were asked for, more than the machine takes",
    "mpi-kill": "process 2 of the MPI processes was killed",
    "mpi-gone": "relion_refine_mpi is not installed on the machine; RELION must be in the PATH",
    "cont-optimiser": "is not whole Class2D/job010/run_it002_sampling.star",
    "cont-trunc": "the iteration to go on from is not whole",
    "post-mask": "the mask's box is not the map's",
    "post-nohalf": "the map's name has neither half1 nor half2",
    "post-sizes": "the two half maps have different boxes",
    "not-installed": "relion_brand_new is not installed on the machine; RELION must be in the PATH",
    "disk-full": "J/job020/Movies/mic_1.star, which RELION writes, is cut off: the machine's disk",
    "disk-full-2d": "the machine's disk is full",
    "ini-fail": "the machine had no file gone.star:",
    "rank-optics": "belong to an optics group, 3, that Extract/job007/particles.star does not",
    "old-star": "the machine had no file gone.mrcs:",
    "polish-minfreq": "the polishing's fit of B factors gave no numbers; --bfac_minfreq",
    "subtract-race": "had made the folder Particles; submit it again",
    "blush": "the Python program that RELION calls for this did not run",
    "topaz": "Topaz gave no coordinates",
    "modelangelo": "the Python program that RELION calls for this did not run",
}
"""By case: what the reason of the failure says, in this order."""

_WARNS = {
    "ctf-one": "some micrographs have no CTF values",
    "mc-tif": "some movies have too few frames",
    "pick-zero": "no particle was picked",
    "pick-gpu": "built without support for GPUs; no particle was picked",
    "ext-nomic": "some micrographs were not found",
    "sel-zero": "J/job020/micrographs.star is empty",
    "2d-gpu": "built without support for GPUs",
    "no-gs": "logfile.pdf is empty",
    "ctf-no-csh": "",
}
"""By case: what a success warns of. RELION 5 needs no csh, and survives when it picks nothing."""

_SUCCEED = {
    *((version, name) for version in _SAID for name in _WARNS),
} - {("3.1.3", "ctf-no-csh"), ("3.1.3", "pick-zero"), ("3.1.3", "pick-gpu")}


def judged(version: str, name: str) -> Exit:
    case = _SAID[version][name]
    files = case.get("files", {})
    finished = Finished(
        code=case["code"],
        markers=tuple(case["markers"]),
        tail_out=case["out"],
        tail_err=case["err"],
        read=lambda path: files.get(path, "").encode(),
    )
    return Relion().judge(make_job(case["script"], outputs=("J/job020",)), finished)


def says(reason: str, parts: str) -> bool:
    """Whether the parts, between semicolons, stand in the reason in that order."""
    return re.search(".*".join(map(re.escape, parts.split("; "))), reason) is not None


@pytest.mark.parametrize(("version", "name"), _CASES)
def test_what_relion_said_is_explained(version: str, name: str) -> None:
    exit_ = judged(version, name)
    if (version, name) in _SUCCEED:
        assert exit_.outcome is Outcome.SUCCESS
        assert says(exit_.reason, _WARNS[name])
        assert exit_.reason.startswith("warning: ") or not _WARNS[name]
    else:
        assert exit_.outcome is Outcome.FAILURE
        assert says(without_last_words(exit_.reason), _MEANS[name])


def test_a_failure_that_a_later_line_hid_is_one() -> None:
    for version in _SAID:
        assert "RELION_JOB_EXIT_SUCCESS" in _SAID[version]["ini-fail"]["markers"]
        exit_ = judged(version, "ini-fail")
        assert "gone.star" in without_last_words(exit_.reason)
        assert "run_it001_model.star" not in without_last_words(exit_.reason)


def explained_err(text: str) -> str:
    return explained(Finished(code=1, tail_err=text))


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("in: x.cu, line 9\nERROR: \n\nYou ran out of memory on the GPU(s).\n", "GPU's memory"),
        ("ERROR: out of memory in a/b.cu at line 3 (error-code 2)\nERROR: \n", "GPU's memory"),
        (
            "ERROR: no CUDA-capable device is detected in x at line 3 (error-code 100)\n",
            "no GPU that RELION can use",
        ),
        (
            "ERROR: no kernel image is available for execution on the device (error-code 209)\n",
            "built for other GPUs",
        ),
        ("There was an issue with the GPU-ids. Either \n", "Which GPUs to use"),
        ("You have no GPUs compatible with RELION (CUDA-capable\n", "no GPU that RELION can use"),
        (
            "GPU usage requested, but RELION was compiled without CUDA or HIP support\n",
            "built without support for GPUs",
        ),
        ("There was an issue allocating CPU memory (RAM). \n", "memory (RAM) ran out"),
        ("in: m.h, line 7\nERROR: \nAllocate: No space left\n", "memory (RAM) ran out"),
        ("write: No space left on device\n", "disk is full"),
        (
            "process rank 1 with PID 7 on node n exited on signal 11 (Segmentation fault).\n",
            "process 1 of the MPI processes crashed: signal 11 (Segmentation fault)",
        ),
        ("The input STAR file a.star does not contain any particles! Exiting...\n", "no particle"),
        ("Postprocessing::mask ERROR: mask values not in range [0,1]!\n", "below 0 or above 1"),
        (
            "readMRC: Image number 9 exceeds stack size 3 of image 000009@a/b.mrcs\n",
            "the list names image 9 of a/b.mrcs, which has only 3",
        ),
        ("/lab/x: Exec format error\n", "/lab/x is a program for another kind"),
        (
            "a.com: line 2: /lab/x: cannot execute: required file not found\n",
            "the interpreter that /lab/x names in its first line is not on the machine",
        ),
        (
            "/lab/x: /lib/libm.so.6: version `GLIBC_2.38' not found (required by /lab/x)\n",
            "/lab/x needs GLIBC_2.38",
        ),
    ],
)
def test_what_could_not_be_provoked_here_is_known_from_the_sources(said: str, means: str) -> None:
    assert means in explained_err(said)


def test_words_that_we_do_not_know_are_not_explained() -> None:
    assert explained_err("in: x.cpp, line 1\nERROR: \nsomething new\n") == ""


def test_a_program_that_ends_early_and_is_called_a_success_is_a_failure() -> None:
    finished = Finished(
        code=0,
        markers=("RELION_JOB_EXIT_SUCCESS",),
        tail_err="Something went wrong in the external Python call...\nCommand: x\n",
    )
    exit_ = Relion().judge(make_job("relion_refine --o J/j/run\ntouch J/j/x"), finished)
    assert exit_.outcome is Outcome.FAILURE
    assert "(Blush, class ranking) failed" in exit_.reason


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("data_optics\n\nloop_\n_rlnOpticsGroup #1\n1\n\n", Outcome.FAILURE),
        ("data_micrographs\n\nloop_\n_rlnMicrographName #1\nM/a.mrc\n\n", Outcome.SUCCESS),
        ("data_micrographs\n\nloop_\n_rlnMicrographName #1\na b c d\n\n", Outcome.SUCCESS),
        ("data_optics\n\nloop_\n_rlnOpticsGroup #1\n" + "1\n" * 32 * 1024, Outcome.SUCCESS),
        ("", Outcome.SUCCESS),
    ],
)
def test_only_a_list_that_surely_has_no_row_is_a_failure(text: str, outcome: Outcome) -> None:
    finished = Finished(
        code=0, markers=("RELION_JOB_EXIT_SUCCESS",), read=lambda _: text.encode()[:START_BYTES]
    )
    job = make_job("relion_run_ctffind_mpi --i m.star --o C/j/ --pipeline_control C/j/")
    assert Relion().judge(job, finished).outcome is outcome


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["a", "a ", ": ", "line 1: ", "a.mrc: not found ", "\n"])
def test_a_long_log_is_judged_in_time(piece: str) -> None:
    """A pattern that starts anew in the middle of each word would take hours."""
    log = piece * (256 * 1024 // len(piece))
    finished = Finished(code=1, tail_err=log, tail_out=log)
    exit_ = Relion().judge(make_job("relion_refine --o J/j/run"), finished)
    assert exit_.outcome is Outcome.FAILURE


def test_a_report_is_told_without_the_word_error() -> None:
    said = "in: x.cpp, line 1\nERROR: \nERROR: no such thing.\n=== Backtrace\n"
    assert report(Finished(code=1, tail_err=said)) == "no such thing"


def test_a_report_that_lists_all_particles_is_cut() -> None:
    said = report(Finished(code=1, tail_err="in: x.cpp, line 1\nERROR: \n" + "3, " * 500 + "\n"))
    assert said.endswith("…")
    assert len(said) == 201


@pytest.mark.parametrize("cause", [*CAUSES, *WARNINGS])
def test_a_cause_fills_its_words_from_its_pattern(cause: Cause) -> None:
    groups = dict.fromkeys(cause.pattern.groupindex, "")
    assert cause.reason.format(**groups)
    assert cause.remedy.format(**groups)
