"""Programs that no job type of RELION calls, but users do."""

from cryoem_cloud.apps.relion.programs.reading import (
    ALL_VERSIONS,
    FOLDER,
    IMAGES,
    LOCAL_SYMMETRY,
    MAYBE,
    MOVIES,
    OPENED,
    PARTICLES,
    RESUME,
    ROOT,
)
from cryoem_cloud.apps.relion.row import Beside, Kept, Output, Program, Reading, Variant

__all__ = ["ROWS"]

_OPERANDS = (
    "--multiply",
    "--divide",
    "--add",
    "--subtract",
    "--fsc",
    "--adjust_power",
    "--fourier_filter",
    "--correct_avg_ampl",
    "--mask_optimise_subtract",
)
_RELIABILITY = Beside(r"(\.\w+)$", r"_reliablity\1", optional=True)
"""RELION's own spelling."""

ROWS = (
    Program(
        name="relion_reconstruct",
        jobs="by hand",
        inputs={
            "--i": PARTICLES,
            "--subtract": OPENED,
            "--fsc": OPENED,
            "--reconstruct_noise": OPENED,
            "--sym": MAYBE,
        },
        variants=(
            Variant(
                flag="--read_weights",
                option="--i",
                reading=Reading(
                    columns=dict(PARTICLES.columns)
                    | {"rlnImageName": Reading(beside=(Beside(r"\.\w+$", "_weight.mrc"),))}
                ),
            ),
        ),
        outputs=ROOT,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=(
            "--subtract",
            "--fsc",
            "--reconstruct_noise",
            "--read_weights",
            "--img",
            "--debug",
        ),
        remark="with --img, name the images with --in",
    ),
    Program(
        name="relion_image_handler",
        jobs="by hand",
        inputs={"--i": IMAGES, "--sym": MAYBE} | dict.fromkeys(_OPERANDS, OPENED),
        variants=(
            Variant(
                flag="--average_all_movie_frames",
                option="--i",
                reading=MOVIES,
            ),
        ),
        outputs=ROOT,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=(*_OPERANDS[1:], "--average_all_movie_frames"),
        remark="of a list, it writes beside the inputs: only what is in --o's folder comes home",
    ),
    Program(
        name="relion_stack_create",
        jobs="by hand",
        inputs={"--i": IMAGES},
        outputs=ROOT,
        bulk=("**/*.mrcs",),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_project",
        jobs="by hand",
        inputs={
            "--i": OPENED,
            "--mask": OPENED,
            "--ang": Reading(columns={"rlnCtfImage": MAYBE}),
            "--ang_simulate": OPENED,
            "--model_noise": OPENED,
        },
        variants=(
            Variant(flag="--subtract_exp", option="--ang", reading=PARTICLES),
            Variant(flag="--simulate", option="--ang", reading=PARTICLES),
        ),
        outputs=ROOT,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--ang_simulate", "--model_noise", "--simulate"),
    ),
    Program(
        name="relion_localsym",
        jobs="by hand",
        inputs={
            "--i_map": OPENED,
            "--i_mask": OPENED,
            "--i_mask_info": LOCAL_SYMMETRY,
            "--i_op_mask_info": LOCAL_SYMMETRY,
        },
        outputs=(
            Output(option="--o_map", folder=False),
            Output(option="--o_mask_info", folder=False),
        ),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--i_mask", "--i_op_mask_info"),
        remark="name the masks of a list that is no STAR file with --in",
    ),
    Program(
        name="relion_helix_toolbox",
        jobs="Reconstruct particle (5.0, helices), by hand",
        inputs={"--i": OPENED, "--i1": OPENED, "--i2": OPENED},
        variants=(Variant(flag="--norm", option="--i", reading=IMAGES),),
        outputs=(Output(option="--o", folder=False), Output(option="--o_root", folder=False)),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--i1", "--i2", "--norm"),
        remark="name what --i_root and its like stand for with --in",
    ),
    Program(
        name="relion_convert_to_tiff",
        jobs="by hand",
        inputs={"--i": MOVIES, "--gain": Reading(beside=(_RELIABILITY,))},
        outputs=FOLDER,
        kept=(Kept(flag=RESUME, pattern="*.tif", only_tests=True),),
        bulk=("**/*.tif",),
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_estimate_gain",
        jobs="by hand",
        inputs={"--i": MOVIES},
        outputs=ROOT,
        threads="--j",
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_external_reconstruct",
        jobs="by hand",
        inputs={
            "1": Reading(
                columns={
                    "rlnExtReconsDataReal": OPENED,
                    "rlnExtReconsDataImag": OPENED,
                    "rlnExtReconsWeight": OPENED,
                }
            )
        },
        outputs=ROOT,
        read=ALL_VERSIONS,
    ),
)
