"""What rows have in common: kinds of STAR files, and options that many programs have."""

from cryoem_cloud.apps.relion.row import Output, Reading

__all__ = [
    "COORDINATES",
    "FOLDER",
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
]

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

FOLDER = (Output(option="--o", folder=True),)
ROOT = (Output(option="--o", folder=False),)
RESUME = "--only_do_unfinished"
