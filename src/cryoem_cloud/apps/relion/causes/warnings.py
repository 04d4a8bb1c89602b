"""What a user should know of a success: what was left out, and what is empty."""

from cryoem_cloud.apps.relion.causes.cause import Cause
from cryoem_cloud.apps.relion.causes.images import NOTHING_PICKED
from cryoem_cloud.apps.relion.causes.machines import NO_CSH, NO_GPU_SUPPORT

__all__ = ["WARNINGS"]

WARNINGS = (
    NO_CSH,
    NO_GPU_SUPPORT,
    Cause.of(
        r"skipping, since cannot get CTF values",
        "some micrographs have no CTF values and are left out",
        "run.err names them",
    ),
    Cause.of(
        r"^Skipped .*: too few frames",
        "some movies have too few frames after grouping and are left out",
        "run.err names them; they may be cut off",
    ),
    Cause.of(
        r"WARNING: there was an error executing: (?P<program>\S+)",
        "{program} failed for some movies, which are left out",
        "run.err names them",
    ),
    Cause.of(
        r"WARNING: Skipping .*, because cannot find the file",
        "some micrographs were not found, and their particles are left out",
        "run.err names them",
    ),
    Cause.of(
        r"- (?:The movie|Movies) for the following micrographs? (?:is|are) missing",
        "some movies were not found, and their particles are left out",
        "run.out and run.err name them",
    ),
    Cause.of(
        NOTHING_PICKED,
        "no particle was picked",
        "a lower threshold, or other diameters",
    ),
    Cause.of(
        r"^ ?Written: (?P<file>\S+) with 0 item",
        "{file} is empty: nothing fulfils what is selected by",
        "other limits; jobs that read it will fail",
    ),
    Cause.of(
        r"you will likely run out of memory on the GPU",
        "RELION foresaw that a later iteration may not fit into the GPU's memory",
        "fewer MPI processes a GPU next time",
    ),
    Cause.of(
        r"ERROR in executing: gs ",
        "logfile.pdf is empty, as the machine has no ghostscript",
        "install ghostscript there",
    ),
)
"""All that match are told."""
