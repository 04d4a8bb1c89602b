"""Programs that classify, refine and take apart maps."""

from cryoem_cloud.apps.relion.programs.calling import EXTERNAL_RECONSTRUCT
from cryoem_cloud.apps.relion.programs.reading import (
    ALL_VERSIONS,
    ALWAYS,
    BODIES,
    FOLDER,
    FROM_4,
    LOCAL_SYMMETRY,
    MAYBE,
    MODEL,
    OPENED,
    OPTIMISER,
    PARTICLES,
    REFERENCES,
    ROOT,
    TOMOGRAM_HEADERS,
    VERSION_5,
)
from cryoem_cloud.apps.relion.row import Program, Reading, Variant

__all__ = ["REFINE", "ROWS"]

REFINE = "relion_refine"

_OPTIMISATION_SET = Reading(
    columns={
        "rlnTomoParticlesFile": PARTICLES,
        "rlnTomoTomogramsFile": TOMOGRAM_HEADERS,
        "rlnTomoTrajectoriesFile": MAYBE,
        "rlnTomoReferenceMap1File": MAYBE,
        "rlnTomoReferenceMaskFile": MAYBE,
    }
)
_OTHER_PARTICLES = Reading(
    columns=dict(OPTIMISER.columns) | {"rlnExperimentalDataStarFile": OPENED},
)

ROWS = (
    Program(
        name=REFINE,
        jobs="Class2D, InitialModel, Class3D, Refine3D, MultiBody",
        inputs={
            "--i": PARTICLES,
            "--continue": OPTIMISER,
            "--ref": REFERENCES,
            "--solvent_mask": OPENED,
            "--solvent_mask2": OPENED,
            "--lowpass_mask": OPENED,
            "--tau": OPENED,
            "--local_symmetry": LOCAL_SYMMETRY,
            "--fourier_mask": OPENED,
            "--multibody_masks": BODIES,
            "--sigma": OPENED,
            "--model": MODEL,
            "--sampling": OPENED,
            "--sym": MAYBE,
            "--relax_sym": MAYBE,
            "--ios": _OPTIMISATION_SET,
            "--tomograms": TOMOGRAM_HEADERS,
            "--trajectories": OPENED,
        },
        only={
            "--ios": FROM_4,
            "--tomograms": VERSION_5,
            "--trajectories": VERSION_5,
            "--blush": VERSION_5,
        },
        unnamed={"--blush": "blush_smoothing_mask.mrc"},
        variants=(Variant(flag="--continue", option="--i", reading=None),),
        outputs=ROOT,
        threads="--j",
        ranks=ALWAYS,
        gpu=ALWAYS,
        scratch=True,
        bulk=("*_it#_*",),
        executables=(EXTERNAL_RECONSTRUCT,),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=(
            "--tomograms",
            "--blush",
            "--tau",
            "--fourier_mask",
            "--model",
            "--sampling",
            "--sigma",
        ),
        remark="particle lists name micrographs, which are never opened",
    ),
    Program(
        name="relion_flex_analyse",
        jobs="MultiBody",
        inputs={"--data": OPENED, "--model": REFERENCES, "--bodies": BODIES},
        outputs=ROOT,
        bulk=("*_part*.mrc",),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_particle_subtract",
        jobs="Subtract",
        inputs={
            "--i": OPTIMISER,
            "--data": PARTICLES,
            "--mask": OPENED,
            "--revert": Reading(
                columns={"rlnImageOriginalName": OPENED}, first_of="rlnOpticsGroup"
            ),
        },
        variants=(Variant(flag="--data", option="--i", reading=_OTHER_PARTICLES),),
        outputs=FOLDER,
        bulk=("Particles/**",),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        remark="the number of ranks is in the names of its stacks",
    ),
    Program(
        name="relion_align_symmetry",
        jobs="InitialModel (4.0 and later)",
        inputs={"--i": REFERENCES, "--sym": MAYBE},
        outputs=ROOT,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
    ),
)
