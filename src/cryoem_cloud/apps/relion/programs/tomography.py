"""Programs of tomography: 5.0's, and 4.0's where it has others."""

from dataclasses import replace

from cryoem_cloud.apps.relion.programs.calling import ARETOMO, BATCHTOMO
from cryoem_cloud.apps.relion.programs.reading import (
    ALWAYS,
    FOLDER,
    FROM_4,
    MAYBE,
    MICROGRAPHS,
    OPENED,
    RESUME,
    ROOT,
    TESTED,
    VERSION_4,
    VERSION_5,
)
from cryoem_cloud.apps.relion.row import Kept, Program, Reading, Variant, When

__all__ = ["ROWS"]

_STACK = "rlnTomoTiltSeriesName"
_SERIES = "rlnTomoTiltSeriesStarFile"
_TOMOGRAMS = Reading(columns={_STACK: MAYBE, _SERIES: MICROGRAPHS})
"""Of a tilt series either the stack is named (4.0) or a list of its images."""
_HALF_TOMOGRAMS = Reading(
    columns={
        _STACK: MAYBE,
        _SERIES: Reading(columns={"rlnMicrographNameEven": OPENED, "rlnMicrographNameOdd": OPENED}),
    }
)
_SET = {
    "rlnTomoParticlesFile": OPENED,
    "rlnTomoTomogramsFile": _TOMOGRAMS,
    "rlnTomoTrajectoriesFile": MAYBE,
}
_REFERENCES = {
    "rlnTomoReferenceMap1File": MAYBE,
    "rlnTomoReferenceMap2File": MAYBE,
    "rlnTomoReferenceMaskFile": MAYBE,
    "rlnTomoReferenceFscFile": MAYBE,
}
_PARTICLES = {
    "--i": Reading(columns=_SET),
    "--p": OPENED,
    "--t": _TOMOGRAMS,
    "--mot": OPENED,
}
_REFINED = _PARTICLES | {
    "--i": Reading(columns=_SET | _REFERENCES),
    "--ref1": OPENED,
    "--ref2": OPENED,
    "--mask": OPENED,
    "--fsc": OPENED,
}
_KEPT = ("*.star", "*.mrc", "*.eps")

_ALIGN = Program(
    name="relion_align_tiltseries",
    jobs="Align tilt series",
    inputs={
        "--i": Reading(columns={_SERIES: MICROGRAPHS}),
        "--adoc_template": OPENED,
    },
    outputs=FOLDER,
    kept=tuple(
        Kept(flag=RESUME, pattern=pattern)
        for pattern in ("*.xf", "*.tlt", "*.rawtlt", "*.aln", "*.log", "*_ctf.txt", "*.eps")
    ),
    ranks=ALWAYS,
    gpu=When(flags=("--aretomo2",)),
    bulk=(
        "external/**/*.mrc",
        "external/**/*.st",
        "external/**/*.ali",
        "external/**/*.preali",
        "external/**/*.rec",
        "!external/**/*_ctf.mrc",
    ),
    executables=(BATCHTOMO, ARETOMO),
    read=VERSION_5,
    remark="a tilt series whose alignment fails is left out, with a warning",
)

ROWS = (
    _ALIGN,
    replace(_ALIGN, name="relion_run_align_tiltseries"),
    Program(
        name="relion_tomo_reconstruct_tomogram",
        jobs="Reconstruct tomograms",
        inputs={
            "--i": Reading(columns={"rlnTomoTomogramsFile": _TOMOGRAMS}),
            "--t": _TOMOGRAMS,
        },
        variants=(
            Variant(flag="--fourier", option="--t", reading=_HALF_TOMOGRAMS),
            Variant(flag="--generate_split_tomograms", option="--t", reading=_HALF_TOMOGRAMS),
        ),
        outputs=FOLDER,
        kept=(Kept(flag=RESUME, pattern="*.mrc", only_tests=True),),
        threads="--j",
        ranks=ALWAYS,
        bulk=("tomograms/*.mrc",),
        ran=VERSION_5,
        read=VERSION_5,
    ),
    Program(
        name="relion_tomo_subtomo",
        jobs="Extract subtomos",
        inputs=_PARTICLES,
        outputs=FOLDER,
        kept=(
            Kept(flag=RESUME, pattern="*.mrc", only_tests=True),
            Kept(flag=RESUME, pattern="*.mrcs", only_tests=True),
        ),
        threads="--j",
        ranks=ALWAYS,
        bulk=("Subtomograms/**",),
        ran=VERSION_5,
        read=FROM_4,
        untried=("--real_subtomo",),
        remark="name the tomograms of --real_subtomo with --in",
    ),
    Program(
        name="relion_tomo_reconstruct_particle",
        jobs="Reconstruct particle",
        inputs=_PARTICLES | {"--sym": MAYBE},
        outputs=FOLDER,
        kept=(Kept(flag=RESUME, pattern="sum_*.mrc"),),
        threads="--j",
        ranks=ALWAYS,
        bulk=("data_*.mrc", "weight_*.mrc", "temp/**"),
        ran=VERSION_5,
        read=FROM_4,
    ),
    Program(
        name="relion_tomo_refine_ctf",
        jobs="Tomo CTF refine",
        inputs=_REFINED,
        outputs=FOLDER,
        kept=tuple(Kept(flag=RESUME, pattern=pattern) for pattern in _KEPT),
        threads="--j",
        ranks=ALWAYS,
        ran=VERSION_5,
        read=FROM_4,
        untried=("--do_even_aberrations", "--do_odd_aberrations"),
    ),
    Program(
        name="relion_tomo_align",
        jobs="Frame align",
        inputs=_REFINED,
        outputs=FOLDER,
        kept=tuple(Kept(flag=RESUME, pattern=pattern) for pattern in _KEPT),
        threads="--j",
        ranks=ALWAYS,
        bulk=("diag_*", "allCCs_*", "CCsum_*"),
        ran=VERSION_5,
        read=FROM_4,
        untried=("--motion", "--deformation"),
    ),
    Program(
        name="relion_tomo_import_coordinates",
        jobs="Import coordinates",
        inputs={"--i": Reading(columns={"rlnTomoImportParticleFile": OPENED})},
        outputs=FOLDER,
        ran=VERSION_5,
        read=VERSION_5,
    ),
    Program(
        name="relion_tomo_import_tomograms",
        jobs="Import tomograms (4.0)",
        inputs={
            "--i": Reading(
                columns={
                    _STACK: OPENED,
                    "rlnTomoImportImodDir": Reading(inside=("*.com", "*.xf", "*.tlt")),
                    "rlnTomoImportCtfFindFile": OPENED,
                    "rlnTomoImportCtfPlotterFile": OPENED,
                    "rlnTomoImportOrderList": OPENED,
                }
            ),
            "--ol": OPENED,
            "--t": OPENED,
        },
        outputs=ROOT,
        read=VERSION_4,
        remark="rlnTomoImportCulledFile is written where the list says, and stays away",
    ),
    Program(
        name="relion_tomo_import_particles",
        jobs="Import particles (4.0)",
        inputs={
            "--i": Reading(columns={"rlnTomoImportParticleFile": OPENED}),
            "--t": OPENED,
        },
        outputs=FOLDER,
        read=VERSION_4,
    ),
    Program(
        name="relion_tomo_make_reference",
        jobs="Reconstruct particle (4.0)",
        inputs={
            "--rec": Reading(inside=("half1.mrc", "half2.mrc")),
            "--mask": OPENED,
            "--i": OPENED,
            "--p": OPENED,
            "--t": OPENED,
            "--mot": OPENED,
        },
        outputs=FOLDER,
        read=VERSION_4,
    ),
    Program(
        name="relion_tomo_make_optimisation_set",
        jobs="Import (4.0), by hand",
        inputs=dict.fromkeys(
            ("--i", "--p", "--t", "--mot", "--man", "--ref1", "--ref2", "--mask", "--fsc"), TESTED
        )
        | {"--i": OPENED},
        outputs=ROOT,
        read=FROM_4,
        remark="it writes the names of the files down",
    ),
)
