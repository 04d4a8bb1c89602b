"""Programs that come before particles: import, motion correction, CTF estimation."""

from cryoem_cloud.apps.relion.programs.calling import CTFFIND, GCTF, MOTIONCOR2
from cryoem_cloud.apps.relion.programs.reading import (
    ALL_VERSIONS,
    ALWAYS,
    FOLDER,
    HALF,
    MICROGRAPHS,
    OPENED,
    RESUME,
    TESTED,
    VERSION_4,
    VERSION_5,
)
from cryoem_cloud.apps.relion.programs.splitting import CTFS, MOVIES
from cryoem_cloud.apps.relion.row import Kept, Output, Program, Reading, Variant, When

__all__ = ["ROWS"]

_MOVIES = Reading(
    columns={
        "rlnMicrographMovieName": OPENED,
        "rlnTomoTiltSeriesStarFile": Reading(columns={"rlnMicrographMovieName": OPENED}),
    }
)
_TILTS = Reading(
    columns={"rlnMicrographName": OPENED, "rlnTomoTiltSeriesStarFile": MICROGRAPHS},
)
_SPECTRA = Reading(
    columns={
        "rlnCtfPowerSpectrum": OPENED,
        "rlnTomoTiltSeriesStarFile": Reading(columns={"rlnCtfPowerSpectrum": OPENED}),
    }
)
"""Of single particles, and of tilt series (RELION 5)."""

ROWS = (
    Program(
        name="relion_import",
        jobs="Import",
        inputs={"--i": OPENED},
        variants=(
            Variant(flag="--do_movies", option="--i", reading=TESTED),
            Variant(flag="--do_micrographs", option="--i", reading=TESTED),
            Variant(flag="--do_halfmaps", option="--i", reading=HALF),
        ),
        outputs=(Output(option="--odir", folder=True),),
        kept=(Kept(flag="--continue", pattern="*.star"),),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        remark="movies and micrographs are only listed: they travel as empty stubs",
    ),
    Program(
        name="relion_run_motioncorr",
        jobs="MotionCorr",
        inputs={"--i": _MOVIES, "--gainref": OPENED, "--defect_file": OPENED},
        outputs=FOLDER,
        kept=(
            Kept(flag=RESUME, pattern="*.star"),
            Kept(flag=RESUME, pattern="*_shifts.eps"),
            Kept(flag=RESUME, pattern="all_batches.pdf"),
            Kept(flag=RESUME, pattern="*.mrc", only_tests=True),
        ),
        threads="--j",
        ranks=ALWAYS,
        gpu=When(flags=("--use_motioncor2",)),
        bulk=("**/*.mrc", "!gain.mrc"),
        executables=(MOTIONCOR2,),
        split=MOVIES,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        only={"--even_odd_split": VERSION_5},
        untried=("--use_motioncor2", "--even_odd_split"),
    ),
    Program(
        name="relion_run_ctffind",
        jobs="CtfFind",
        inputs={"--i": _TILTS},
        variants=(
            Variant(
                flag="--use_noDW",
                option="--i",
                reading=Reading(columns={"rlnMicrographNameNoDW": OPENED}),
            ),
            Variant(
                flag="--use_given_ps",
                option="--i",
                reading=_SPECTRA,
            ),
        ),
        outputs=FOLDER,
        kept=(
            Kept(flag=RESUME, pattern="*.txt"),
            Kept(flag=RESUME, pattern="*.log"),
            Kept(flag=RESUME, pattern="*.ctf", only_tests=True),
            Kept(flag="--only_make_star", pattern="*.txt"),
            Kept(flag="--only_make_star", pattern="*.log"),
        ),
        ranks=ALWAYS,
        bulk=("**/*.ctf", "**/*.mrc", "**/*.com"),
        executables=(CTFFIND, GCTF),
        split=CTFS,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        only={"--use_gctf": f"3.1.3 {VERSION_4}", "--gctf_exe": f"3.1.3 {VERSION_4}"},
        untried=("--use_gctf", "--do_movie_thon_rings"),
        remark="needs csh or RELION_SHELL=bash on the machine; makes absolute links to micrographs",
    ),
)
