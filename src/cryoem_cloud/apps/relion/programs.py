"""What we know of RELION's programs: one row each.

A row says which options name files, what of these files is opened, and which columns of a STAR
file lead to further files. A program without a row is followed by the generic rule (`UNKNOWN`):
every word of its command line that is an existing file of the project, and from there every
column that may hold a file's name. relion/row.py explains the columns; `python -m
cryoem_cloud.apps.relion.reference` prints the table as docs/reference/relion-programs.md.
"""

from collections.abc import Mapping

from cryoem_cloud.apps.relion.row import Evidence, Kept, Output, Program, Reading, Variant

__all__ = ["NO_FILES", "PROGRAMS", "UNKNOWN", "program"]

NO_FILES = frozenset({"", "None", "none", "gauss"})
"""Words that stand for no file where a file's name may stand."""

OPENED = Reading()
TESTED = Reading(only_tests=True)
MAYBE = Reading(optional=True)

MOVIES = Reading(columns={"rlnMicrographMovieName": OPENED})
MICROGRAPHS = Reading(columns={"rlnMicrographName": OPENED})
COORDINATES = Reading(columns={"rlnMicrographCoordinates": MAYBE})
PARTICLES = Reading(columns={"rlnImageName": OPENED})
REFERENCES = Reading(columns={"rlnReferenceImage": OPENED})
MODEL = Reading(columns={"rlnReferenceImage": OPENED, "rlnSGDGradientImage": MAYBE})
OPTIMISER = Reading(
    columns={
        "rlnExperimentalDataStarFile": PARTICLES,
        "rlnModelStarFile": MODEL,
        "rlnModelStarFile2": MODEL,
        "rlnOrientSamplingStarFile": OPENED,
        "rlnSolventMaskName": MAYBE,
        "rlnSolventMask2Name": MAYBE,
    }
)

_FOLDER = (Output(option="--o", folder=True),)
_ROOT = (Output(option="--o", folder=False),)
_RESUME = "--only_do_unfinished"

_ROWS = (
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
        outputs=_FOLDER,
        kept=(
            Kept(flag=_RESUME, pattern="*.star"),
            Kept(flag=_RESUME, pattern="*_shifts.eps"),
            Kept(flag=_RESUME, pattern="*.mrc", only_tests=True),
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
        outputs=_FOLDER,
        kept=(
            Kept(flag=_RESUME, pattern="*.txt"),
            Kept(flag=_RESUME, pattern="*.log"),
            Kept(flag=_RESUME, pattern="*.ctf", only_tests=True),
        ),
        ranks=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="needs csh or RELION_SHELL=bash on the machine; makes absolute links to micrographs",
    ),
    Program(
        name="relion_autopick",
        jobs="AutoPick",
        inputs={
            "--i": MICROGRAPHS,
            "--ref": REFERENCES,
            "--topaz_model": OPENED,
            "--topaz_train_picks": COORDINATES,
            "--topaz_train_parts": OPENED,
        },
        outputs=(Output(option="--odir", folder=True),),
        kept=(
            Kept(flag=_RESUME, pattern="*.star"),
            Kept(flag="--read_fom_maps", pattern="*.spi"),
        ),
        ranks=True,
        gpu=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="LoG and reference picking; Topaz (4.0 and later) was read, not run",
    ),
    Program(
        name="relion_preprocess",
        jobs="Extract",
        inputs={
            "--i": MICROGRAPHS,
            "--coord_list": COORDINATES,
            "--reextract_data_star": OPENED,
            "--operate_on": OPENED,
        },
        outputs=(
            Output(option="--part_dir", folder=True),
            Output(option="--part_star", folder=False),
            Output(option="--operate_out", folder=False),
        ),
        kept=(
            Kept(flag=_RESUME, pattern="*_extract.star"),
            Kept(flag=_RESUME, pattern="*.mrcs", only_tests=True),
        ),
        coordinates=True,
        ranks=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="--coord_list (4.0 and later) was read, not run",
    ),
    Program(
        name="relion_star_handler",
        jobs="Select, JoinStar",
        inputs={"--i": OPENED, "--compare": OPENED},
        variants=(
            Variant(flag="--combine", option="--i", reading=Reading(several=True)),
            Variant(flag="--discard_on_stats", option="--i", reading=PARTICLES),
        ),
        outputs=_ROOT,
        evidence=Evidence.RUN,
        version="3.1.3",
    ),
    Program(
        name="relion_refine",
        jobs="Class2D",
        inputs={
            "--i": PARTICLES,
            "--continue": OPTIMISER,
            "--ref": REFERENCES,
            "--solvent_mask": OPENED,
            "--solvent_mask2": OPENED,
            "--lowpass_mask": OPENED,
            "--tau": OPENED,
            "--local_symmetry": OPENED,
            "--fourier_mask": OPENED,
        },
        variants=(Variant(flag="--continue", option="--i", reading=None),),
        outputs=_ROOT,
        threads="--j",
        ranks=True,
        gpu=True,
        scratch=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="particle lists name micrographs, which are never opened",
    ),
)

PROGRAMS: Mapping[str, Program] = {row.name: row for row in _ROWS}

UNKNOWN = Program(
    name="",
    jobs="any other",
    inputs={},
    outputs=(
        Output(option="--odir", folder=True),
        Output(option="--o", folder=False),
    ),
    evidence=Evidence.UNVERIFIED,
    version="",
    remark="every existing file on the command line, and every file that these name",
)


def program(name: str) -> Program:
    """The row for a program's name, with or without `_mpi`; `UNKNOWN` if there is none."""
    return PROGRAMS.get(name.removesuffix("_mpi"), UNKNOWN)
