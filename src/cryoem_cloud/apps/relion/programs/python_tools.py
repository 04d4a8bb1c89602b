"""RELION 5's programs in Python: tilt series, denoising, DynaMight, ModelAngelo."""

from dataclasses import replace

from cryoem_cloud.apps.relion.programs.reading import IMAGES, MICROGRAPHS, OPENED, TESTED, VERSION_5
from cryoem_cloud.apps.relion.row import Kept, Output, Program, Reading

__all__ = ["ROWS"]

_OUTPUT = (Output(option="--output-directory", folder=True),)
_SERIES = Reading(columns={"rlnTomoTiltSeriesStarFile": MICROGRAPHS})
_GOES_ON = ("explore-latent-space", "optimize-inverse-deformations", "deformable-backprojection")
_FASTA = (
    *("-pf", "--pf", "--protein-fasta", "--fasta-path", "-f", "--f"),
    *("-df", "--df", "--dna-fasta"),
    *("-rf", "--rf", "--rna-fasta"),
)

_MODEL_ANGELO = Program(
    name="relion_python_modelangelo",
    jobs="ModelAngelo",
    inputs={
        "-v": OPENED,
        "-m": OPENED,
        "-c": OPENED,
        "-i": Reading(inside=("*.hmm",)),
    }
    | dict.fromkeys(_FASTA, OPENED),
    outputs=(Output(option="-o", folder=True),),
    remark="its network's weights are the machine's; a library is large, and outside the project",
)

ROWS = (
    Program(
        name="relion_python_tomo_import",
        jobs="Import tilt series",
        inputs={"--mdoc-file-pattern": OPENED, "--tilt-image-movie-pattern": TESTED},
        outputs=_OUTPUT,
        read=VERSION_5,
    ),
    Program(
        name="relion_python_tomo_exclude_tilt_images",
        jobs="Exclude tilt images",
        inputs={"--tilt-series-star-file": _SERIES},
        outputs=_OUTPUT,
        interactive=("",),
        read=VERSION_5,
    ),
    Program(
        name="relion_python_tomo_pick",
        jobs="Pick",
        inputs={"--tilt-series-star-file": OPENED},
        outputs=_OUTPUT,
        interactive=("",),
        read=VERSION_5,
    ),
    Program(
        name="relion_python_tomo_view",
        jobs="by hand",
        inputs={"--tilt-series-star-file": OPENED},
        outputs=_OUTPUT,
        interactive=("",),
        read=VERSION_5,
    ),
    Program(
        name="relion_python_tomo_get_particle_poses",
        jobs="Pick",
        inputs={
            "--tilt-series-star-file": OPENED,
            "--tomograms-file": OPENED,
            "--in-star-file": OPENED,
            "--annotations-directory": Reading(inside=("*.star",), optional=True),
        },
        outputs=_OUTPUT,
        read=VERSION_5,
    ),
    Program(
        name="relion_python_tomo_denoise",
        jobs="Denoise tomograms",
        inputs={
            "--tomogram-star-file": Reading(
                columns={
                    "rlnTomoTiltSeriesStarFile": OPENED,
                    "rlnTomoReconstructedTomogramHalf1": OPENED,
                    "rlnTomoReconstructedTomogramHalf2": OPENED,
                }
            ),
            "--model-file": OPENED,
        },
        outputs=_OUTPUT,
        bulk=("external/training/**", "tomograms/*.mrc"),
        read=VERSION_5,
        remark="cryoCARE must be on the machine",
    ),
    Program(
        name="relion_python_dynamight",
        jobs="DynaMight",
        inputs={
            "--refinement-star-file": IMAGES,
            "--initial-model": OPENED,
            "--mask-file": OPENED,
            "--checkpoint-file": OPENED,
        },
        outputs=(*_OUTPUT, Output(option="2", folder=True)),
        kept=tuple(Kept(flag=flag, pattern="*") for flag in _GOES_ON),
        interactive=("explore-latent-space",),
        bulk=("backprojection/reconstruction_half*.mrc",),
        remark="where it goes on, name the list of particles and their stacks with --in: "
        "they are named in its own records only",
    ),
    _MODEL_ANGELO,
    replace(_MODEL_ANGELO, name="model_angelo"),
)
