"""Programs that come before particles: import, motion correction, CTF estimation."""

from cryoem_cloud.apps.relion.programs.reading import (
    FOLDER,
    MICROGRAPHS,
    MOVIES,
    OPENED,
    RESUME,
    TESTED,
)
from cryoem_cloud.apps.relion.row import Evidence, Kept, Output, Program, Reading, Variant

__all__ = ["ROWS"]

ROWS = (
    Program(
        name="relion_import",
        jobs="Import",
        inputs={"--i": OPENED},
        variants=(
            Variant(flag="--do_movies", option="--i", reading=TESTED),
            Variant(flag="--do_micrographs", option="--i", reading=TESTED),
        ),
        outputs=(Output(option="--odir", folder=True),),
        kept=(Kept(flag="--continue", pattern="*.star"),),
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="movies and micrographs are only listed: they travel as empty stubs",
    ),
    Program(
        name="relion_run_motioncorr",
        jobs="MotionCorr",
        inputs={"--i": MOVIES, "--gainref": OPENED, "--defect_file": OPENED},
        outputs=FOLDER,
        kept=(
            Kept(flag=RESUME, pattern="*.star"),
            Kept(flag=RESUME, pattern="*_shifts.eps"),
            Kept(flag=RESUME, pattern="*.mrc", only_tests=True),
        ),
        threads="--j",
        ranks=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="RELION's own implementation",
    ),
    Program(
        name="relion_run_ctffind",
        jobs="CtfFind",
        inputs={"--i": MICROGRAPHS},
        variants=(
            Variant(
                flag="--use_noDW",
                option="--i",
                reading=Reading(columns={"rlnMicrographNameNoDW": OPENED}),
            ),
            Variant(
                flag="--use_given_ps",
                option="--i",
                reading=Reading(columns={"rlnCtfPowerSpectrum": OPENED}),
            ),
        ),
        outputs=FOLDER,
        kept=(
            Kept(flag=RESUME, pattern="*.txt"),
            Kept(flag=RESUME, pattern="*.log"),
            Kept(flag=RESUME, pattern="*.ctf", only_tests=True),
        ),
        ranks=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="needs csh or RELION_SHELL=bash on the machine; makes absolute links to micrographs",
    ),
)
