"""Which jobs of RELION are cut into pieces, and how."""

import re
from collections.abc import Mapping

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.errors import FormatError, MissingInputError, RefusedError
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Cut, Uncut

from .conftest import make_job
from .shelf import Shelf

_OPTICS = (
    b"# version 30001\n\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnVoltage #2\n1 300\n2 300\n\n"
)
MOVIES = _OPTICS + (
    b"\n# version 30001\n\ndata_movies\n\nloop_ \n"
    b"_rlnMicrographMovieName #1 \n_rlnOpticsGroup #2 \n"
    b"Movies/a.tif            1 \nMovies/b.tif            2 \nMovies/c.tif            1 \n \n"
)
MICROGRAPHS = _OPTICS + (
    b"data_micrographs\n\nloop_\n_rlnMicrographName #1\n_rlnCtfPowerSpectrum #2\n"
    b"_rlnMicrographNameNoDW #3\n_rlnMicrographMetadata #4\n"
    b"MotionCorr/job002/Movies/a.mrc M/a_PS.mrc M/a_noDW.mrc MotionCorr/job002/Movies/a.star\n"
    b"MotionCorr/job002/Movies/b.mrc M/b_PS.mrc M/b_noDW.mrc MotionCorr/job002/Movies/b.star\n"
)
PARTICLES = _OPTICS + (
    b"data_particles\n\nloop_\n_rlnImageName #1\n_rlnMicrographName #2\n_rlnOpticsGroup #3\n"
    b"1@E/b.mrcs MotionCorr/job002/Movies/b.mrc 1\n"
    b"1@E/a.mrcs MotionCorr/job002/Movies/a.mrc 1\n"
    b"2@E/b.mrcs MotionCorr/job002/Movies/b.mrc 1\n"
)
_META = b"data_general\n\n_rlnImageSizeZ  %d\n_rlnMicrographDoseRate 1.277\n\n"
FILES: Mapping[str, bytes] = {
    "movies.star": MOVIES,
    "mics.star": MICROGRAPHS,
    "parts.star": PARTICLES,
    "MotionCorr/job002/Movies/a.star": _META % 24,
    "MotionCorr/job002/Movies/b.star": _META % 24,
}

MOTION = "relion_run_motioncorr --i movies.star --o MotionCorr/job002/ --use_own --j 2"
CTF = "relion_run_ctffind --i mics.star --o CtfFind/job003/ --is_ctffind4 --ctffind_exe x"
EXTRACT = (
    "relion_preprocess --i mics.star --coord_list picks.star"
    " --part_star Extract/job005/particles.star --part_dir Extract/job005/"
    " --extract --extract_size 64"
)
CTF_REFINE = "relion_ctf_refine --i parts.star --f post.star --o CtfRefine/job009/ --fit_defocus"
POLISH = (
    "relion_motion_refine --i parts.star --f post.star --corr_mic mics.star --first_frame 1"
    " --last_frame -1 --o Polish/job010/ --s_vel 0.2 --combine_frames --bfac_minfreq 20 --j 4"
)
PICK = "relion_autopick --i mics.star --odir AutoPick/job004/ --pickname autopick --LoG"


def job(script: str, **other: object) -> Job:
    return make_job(script + " --pipeline_control x/\n", **other)


def cut(script: str, files: Mapping[str, bytes] = FILES, **other: object) -> Cut | None:
    made = Relion().cut(job(script, **other), Shelf(files))
    return made if isinstance(made, Cut) else None


def whole(script: str, files: Mapping[str, bytes] = FILES, **other: object) -> str:
    """Why the job is not cut."""
    made = Relion().cut(job(script, **other), Shelf(files))
    assert isinstance(made, Uncut)
    return made.why


def test_a_piece_is_the_job_with_fewer_rows_in_its_list() -> None:
    made = cut(MOTION)
    assert made is not None
    assert (made.path, made.items, made.noun) == ("movies.star", 3, "movies")
    assert made.script(0) == job(MOTION).script
    lines = MOVIES.splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if line.startswith(b"Movies/"))
    assert made.part(0, 3) == MOVIES
    assert made.part(1, 2) == b"".join([*lines[:first], lines[first + 1], *lines[first + 3 :]])


def test_a_list_that_changes_while_it_is_cut_is_told() -> None:
    shelf = Shelf(FILES)
    made = Relion().cut(job(MOTION), shelf)
    assert isinstance(made, Cut)
    made.part(0, 1)
    shelf.put("movies.star", MOVIES.replace(b"Movies/a", b"Movies/z"))
    with pytest.raises(RefusedError, match=r"movies\.star changed while job \d+ was being sent"):
        made.part(1, 2)


@pytest.mark.parametrize(
    ("script", "items", "noun"),
    [
        (MOTION.replace("motioncorr", "motioncorr_mpi"), 3, "movies"),
        (CTF, 2, "micrographs"),
        (PICK, 2, "micrographs"),
        (f"{CTF} --use_given_ps", 2, "micrographs"),
        (EXTRACT, 2, "micrographs"),
        (EXTRACT.replace("coord_list", "reextract_data_star"), 2, "micrographs"),
        (CTF_REFINE, 2, "micrographs"),
        (f"{CTF_REFINE} --fit_bfacs --fit_mode fpmff", 2, "micrographs"),
        (POLISH, 2, "micrographs"),
        (f"run=\n[ 1 -gt 1 ] && run='mpirun -n 1'\nmodule load relion\n$run {MOTION}", 3, "movies"),
        (
            f"{EXTRACT}\necho mics.star > Extract/job005/coords_suffix_extract.star",
            2,
            "micrographs",
        ),
        (f"{MOTION} --do_at_most -1", 3, "movies"),
        (f"{MOTION} --grouping_for_ps 4 --dose_weighting --save_noDW", 3, "movies"),
    ],
)
def test_what_is_cut(script: str, items: int, noun: str) -> None:
    made = cut(script, outputs=("X/job1",))
    assert made is not None
    assert (made.items, made.noun) == (items, noun)
    assert made.seconds > 0


@pytest.mark.parametrize(
    "script",
    [
        f"{MOTION} --do_at_most 10",
        f"{MOTION} --even_odd_split",
        MOTION.replace("--use_own", "--use_motioncor2 --motioncor2_exe x"),
        MOTION.replace("movies.star", "'Movies/*.tif'"),
        MOTION.replace("movies.star", "/elsewhere/movies.star"),
        MOTION.replace("movies.star", "MotionCorr/job002/movies.star"),
        MOTION.replace(" --i movies.star", ""),
        MOTION.replace("job002/", "job002"),
        f"{MOTION} --help",
        f"{MOTION}\npython after.py MotionCorr/job002/corrected_micrographs.star",
        f"{MOTION}\n{CTF}",
        f"for i in 1; do {MOTION}; done",
        CTF.replace("--is_ctffind4", "--use_gctf"),
        f"{CTF} --only_make_star",
        f"{CTF} --do_movie_thon_rings",
        EXTRACT.replace(" --extract ", " "),
        f"{CTF_REFINE} --fit_beamtilt",
        f"{CTF_REFINE} --fit_aberr --odd_aberr_max_n 3",
        f"{CTF_REFINE} --min_MG 3",
        CTF_REFINE.replace("--fit_defocus", "--fit_aniso"),
        f"{POLISH} --params3",
        f"{POLISH} --B_parts 100",
        POLISH.replace("--combine_frames", ""),
        POLISH.replace("mics.star", "movies.star"),
        "relion_refine --i parts.star --o Class2D/job006/run",
        "relion_run_motioncorr '",
    ],
)
def test_what_is_not_cut(script: str) -> None:
    assert cut(script, outputs=("X/job1",)) is None


def test_a_job_that_is_not_cut_says_why() -> None:
    assert whole("relion_refine --i parts.star --o Class2D/job006/run") == (
        "relion_refine works on all of its input together"
    )
    assert whole(f"{MOTION}\n{CTF}") == "its script is not one command of RELION's alone"
    assert whole(f"{MOTION} --even_odd_split").startswith("relion_run_motioncorr is not cut as it")
    assert whole(POLISH.replace("--combine_frames", "")).startswith("relion_motion_refine is not")
    other = {**FILES, "MotionCorr/job002/Movies/b.star": _META % 12}
    assert whole(POLISH, other) == "not all micrographs of parts.star are of one kind"
    assert whole(MOTION, {"movies.star": _OPTICS}).startswith("movies.star is no list that relion")


GOES_ON = " --only_do_unfinished"
J2 = "MotionCorr/job002/Movies/"
LISTED = {"movies.star": MOVIES}


def test_a_job_that_goes_on_is_cut_by_the_items_that_are_left() -> None:
    files = {**LISTED, **dict.fromkeys((f"{J2}b.mrc", f"{J2}b.star", f"{J2}b_shifts.eps"), b"x")}
    made = cut(MOTION + GOES_ON, files)
    assert made is not None
    assert made.items == 2
    assert made.script(1).split() == job(MOTION).script.split()
    lines = MOVIES.splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if line.startswith(b"Movies/"))
    assert made.part(0, 1) == b"".join([*lines[: first + 1], *lines[first + 3 :]])
    assert made.part(1, 2) == b"".join([*lines[:first], *lines[first + 2 :]])
    assert made.part(0, 2) == MOVIES, "what joins gets the list itself"
    untouched = cut(MOTION + GOES_ON, LISTED)
    assert untouched is not None
    assert untouched.items == 3


def test_of_what_is_half_done_relion_says_whether_it_is_done() -> None:
    """It only tests some of the files, and what joins does what it finds not done."""
    made = cut(MOTION + GOES_ON, {**LISTED, f"{J2}b.mrc": b"x"})
    assert made is not None
    assert made.items == 2
    assert b"Movies/b" not in made.part(0, 1) + made.part(1, 2)


def test_where_nothing_is_left_nothing_is_cut() -> None:
    files = {**LISTED, **dict.fromkeys((f"{J2}{name}.star" for name in "abc"), b"x")}
    why = "it goes on with what it has done, and of all movies something is there"
    assert whole(MOTION + GOES_ON, files) == why


def test_picking_that_goes_on_draws_as_if_it_had_not_been_cut() -> None:
    """RELION's seeds grow with what is left, so that it must be certain what that is."""
    done = {"mics.star": MICROGRAPHS, "AutoPick/job004/Movies/a_autopick.star": b"x"}
    made = cut(PICK + GOES_ON, done)
    assert made is not None
    assert "--random_seed" not in made.script(0)
    half = {"mics.star": MICROGRAPHS, "AutoPick/job004/Movies/a_other.spi": b"x"}
    assert whole(PICK + GOES_ON, half) == "it goes on with micrographs that are half done"


@pytest.mark.parametrize("second", [b"Movies/a_shifts.tif", b"Movies/a.mrc", b"Movies/a_PS.tif"])
def test_names_that_may_be_files_of_others_are_not_cut(second: bytes) -> None:
    files = {"movies.star": MOVIES.replace(b"Movies/b.tif", second)}
    assert whole(f"{MOTION} --grouping_for_ps 4", files).startswith("movies.star is no list that")


def test_polishing_in_pieces_estimates_the_motion_alone() -> None:
    made = cut(POLISH)
    assert made is not None
    assert made.script(0) == job(POLISH).script.replace("--combine_frames", "")


def test_polishing_is_not_cut_where_movies_are_not_alike() -> None:
    """It takes the number of frames from the first, and pieces would take it from others."""
    meta = "MotionCorr/job002/Movies/b.star"
    for other in (_META % 12, _META.replace(b"1.277", b"1.3") % 24, b"data_x\n\n_rlnX 1\n\n"):
        assert cut(POLISH, {**FILES, meta: other}) is None
    listed = MICROGRAPHS.replace(b"Movies/b.mrc", b"Movies/c.mrc")
    assert cut(POLISH, {**FILES, "mics.star": listed}) is None
    with pytest.raises(MissingInputError, match=meta):
        cut(POLISH, {path: data for path, data in FILES.items() if path != meta})


def test_pieces_of_picking_have_the_seeds_that_their_micrographs_would_have_had() -> None:
    made = cut(PICK)
    assert made is not None
    assert made.script(0) == job(PICK).script
    assert "--random_seed" not in made.script(0)
    assert made.script(7).rstrip().endswith("--random_seed 8")
    made = cut(f"{PICK} --random_seed 5")
    assert made is not None
    assert "--random_seed 12" in made.script(7)
    made = cut(f"{PICK} --random_seed 4\u00b2")
    assert made is not None
    assert "4\u00b2" in made.script(7), "what is no number stays, and RELION says so"
    made = cut(f"{PICK} --random_seed -1")
    assert made is not None
    assert "--random_seed -1" in made.script(7)


def test_lists_that_are_not_cut() -> None:
    tomo = b"data_global\n\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesStarFile\nx y.star\n\n"
    old = b"data_\n\nloop_\n_rlnMicrographMovieName\na.tif\nb.tif\n\n"
    exposed = MOVIES.replace(b"_rlnOpticsGroup #2 \n", b"_rlnMicrographPreExposure #2 \n")
    for data in (tomo, old, exposed, _OPTICS):
        assert cut(MOTION, {"movies.star": data}) is None
    with pytest.raises(MissingInputError, match=r"movies\.star, for which relion_run_motioncorr"):
        cut(MOTION, {})
    with pytest.raises(FormatError, match=r"movies\.star line"):
        cut(MOTION, {"movies.star": MOVIES.replace(b"Movies/b.tif  ", b"Movies/ b.tif ")})


def test_a_job_that_runs_elsewhere_than_in_the_project_is_not_cut() -> None:
    assert cut(MOTION, cwd="Movies") is None


@pytest.mark.parametrize(
    ("script", "whole", "pieces"),
    [
        (
            MOTION,
            [
                "corrected_micrographs.star",
                "corrected_micrographs_hist_rlnAccumMotionTotal.eps",
                "logfile.pdf",
                "logfile.pdf.lst",
                "all_batches.pdf",
                "gain.mrc",
            ],
            ["Movies/a.mrc", "Movies/a.star", "Movies/a_shifts.eps", "Movies/logfile.pdf"],
        ),
        (
            CTF,
            ["micrographs_ctf.star", "micrographs_ctf_all_rlnDefocusU.eps", "logfile.pdf"],
            ["Movies/a.mrc", "M/a_PS.ctf", "M/a_PS_ctffind4.log"],
        ),
        (
            EXTRACT,
            ["particles.star", "extractpick.star", "coords_suffix_extract.star"],
            ["Movies/a.mrcs", "Movies/a_extract.star"],
        ),
        (
            CTF_REFINE,
            ["particles_ctf_refine.star", "logfile.pdf"],
            ["Movies/a_defocus_fit.star", "Movies/a_ctf-refine_fit.eps"],
        ),
        (
            POLISH,
            ["shiny.star", "bfactors.star", "bfactors.eps", "scalefactors.eps", "logfile.pdf"],
            ["Movies/a_tracks.star", "Movies/a_FCC_w0.mrc", "Movies/a_shiny.mrcs"],
        ),
        ("relion_refine --i parts.star --o Class2D/job006/run", [], ["run_data.star"]),
    ],
)
def test_what_only_the_whole_makes(script: str, whole: list[str], pieces: list[str]) -> None:
    folder = re.search(r"\w+/job0\d\d", script)
    assert folder
    paths = [f"{folder[0]}/{name}" for name in (*whole, *pieces)]
    found = Relion().joined(job(script, outputs=(folder[0],)), [*paths, "Other/logfile.pdf"])
    assert found == {f"{folder[0]}/{name}" for name in whole}
