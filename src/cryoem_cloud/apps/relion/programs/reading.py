"""What rows have in common: kinds of STAR files, and options that many programs have."""

from cryoem_cloud.apps.relion.row import Beside, Output, Reading, When

__all__ = [
    "ALL_VERSIONS",
    "ALWAYS",
    "BODIES",
    "COORDINATES",
    "FOLDER",
    "FROM_4",
    "HALF",
    "IMAGES",
    "LOCAL_SYMMETRY",
    "MAYBE",
    "MICROGRAPHS",
    "MODEL",
    "MOVIES",
    "OPENED",
    "OPTIMISER",
    "PARTICLES",
    "REFERENCES",
    "RESUME",
    "ROOT",
    "TESTED",
    "TOMOGRAM_HEADERS",
    "VERSION_4",
    "VERSION_5",
]

ALL_VERSIONS = "3.1.3 4.0.1 5.0.1"
FROM_4 = "4.0.1 5.0.1"
VERSION_4 = "4.0.1"
VERSION_5 = "5.0.1"
"""Versions whose source was read."""

OPENED = Reading()
TESTED = Reading(only_tests=True)
MAYBE = Reading(optional=True)
HALF = Reading(beside=(Beside("half1", "half2"), Beside("half2", "half1")))
"""One half map is named, the other is found by its name."""

MOVIES = Reading(columns={"rlnMicrographMovieName": OPENED})
MICROGRAPHS = Reading(columns={"rlnMicrographName": OPENED})
COORDINATES = Reading(columns={"rlnMicrographCoordinates": MAYBE})
IMAGES = Reading(columns={"rlnImageName": OPENED})
PARTICLES = Reading(
    columns={
        "rlnImageName": OPENED,
        "rlnReconstructImageName": MAYBE,
        "rlnCtfImage": MAYBE,
        "rlnMtfFileName": MAYBE,
    }
)
"""Of MTFs none is opened but where two different ones are named."""
REFERENCES = Reading(columns={"rlnReferenceImage": OPENED})
LOCAL_SYMMETRY = Reading(columns={"rlnMaskName": OPENED})
BODIES = Reading(columns={"rlnBodyMaskName": OPENED, "rlnBodyReferenceName": MAYBE})
_MOMENTS = Reading(
    optional=True,
    beside=(Beside(r"_1moment\d{3}\.mrc$", "_1moment???.mrc", optional=True),),
)
"""Of pseudo half-sets the model names the first, and the others are found by number."""
MODEL = Reading(
    columns={
        "rlnReferenceImage": OPENED,
        "rlnSGDGradientImage": MAYBE,
        "rlnGradMoment1": _MOMENTS,
        "rlnGradMoment2": MAYBE,
    }
)
TOMOGRAM_HEADERS = Reading(
    columns={
        "rlnTomoTiltSeriesName": MAYBE,
        "rlnTomoTiltSeriesStarFile": Reading(columns={"rlnMicrographName": MAYBE}, first_of=""),
    }
)
"""Where particles are 2D stacks, the header of each tilt series' first image is read."""
OPTIMISER = Reading(
    columns={
        "rlnExperimentalDataStarFile": PARTICLES,
        "rlnModelStarFile": MODEL,
        "rlnModelStarFile2": MODEL,
        "rlnOrientSamplingStarFile": OPENED,
        "rlnSolventMaskName": MAYBE,
        "rlnSolventMask2Name": MAYBE,
        "rlnTauSpectrumName": MAYBE,
        "rlnFourierMask": MAYBE,
        "rlnBodyStarFile": BODIES,
        "rlnLocalSymmetryFile": LOCAL_SYMMETRY,
        "rlnTomoTomogramsFile": TOMOGRAM_HEADERS,
        "rlnTomoTrajectoriesFile": MAYBE,
    }
)

ALWAYS = When()
FOLDER = (Output(option="--o", folder=True),)
ROOT = (Output(option="--o", folder=False),)
RESUME = "--only_do_unfinished"
