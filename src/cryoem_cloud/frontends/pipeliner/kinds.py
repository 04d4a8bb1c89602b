"""Job types of the pipeliner that are known to be none for machines, before anybody is asked."""

from pathlib import Path

from cryoem_cloud.apps.star import rows
from cryoem_cloud.frontends.pipeliner.plan import KEEP_HERE
from cryoem_cloud.model.errors import RefusedError

__all__ = ["kind_of", "require_for_machines"]

_LABEL = "rlnJobTypeLabel"
_FAMILY = "relion."
_WINDOW = "opens a window"
_NOT_FOR_MACHINES = {
    "relion.excludetilts": _WINDOW,
    "relion.external": "runs a program of your own",
    "relion.import": "only copies files within the project",
    "relion.localres.resmap": "runs ResMap and no program of RELION's",
    "relion.manualpick": _WINDOW,
    "relion.manualpick.helical": _WINDOW,
    "relion.picktomo": "runs tools of the pipeliner's between programs of RELION's",
    "relion.select.interactive": _WINDOW,
}
"""Read in ccpem-pipeliner 1.6.1 (each type's get_commands)."""


def kind_of(job_star: Path) -> str:
    """The type that a job's file names; "" where it names none.

    Raises:
        FormatError: It cannot be read as STAR.
        OSError: It cannot be read.
    """
    found = rows(job_star, _LABEL.__eq__)
    return next((row.values[_LABEL] for row in found), "")


def require_for_machines(kind: str) -> None:
    """See to it that jobs of a type are not known to be none for machines.

    Raises:
        RefusedError: They are.
    """
    why = _NOT_FOR_MACHINES.get(kind, "")
    if kind and not kind.startswith(_FAMILY):
        why = "is no job of RELION's"
    if why:
        raise RefusedError(f"{kind} {why}: machines do not run it", hint=KEEP_HERE)
