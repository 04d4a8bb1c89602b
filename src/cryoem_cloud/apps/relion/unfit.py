"""Fits that gave no numbers: what RELION goes on with, and nothing can be made of.

Where the lowest resolution of Polish's fit of B factors is beyond that of the map, no frequency is
left to fit. RELION 3.1.3 ends when it draws the plot (`buffer overflow detected`, as an axis' label
has 20 bytes in src/CPlot2D.cpp), 5.0.1 calls it a success, and no pixel of the polished particles
is a number. Both were run.
"""

import io
import math
import posixpath
from collections.abc import Iterable
from contextlib import suppress

from cryoem_cloud.apps.relion.script import Call
from cryoem_cloud.apps.star import rows_in
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.ports.application import Finished

__all__ = ["UNFIT", "unfit"]

UNFIT = (
    "the polishing's fit of B factors gave no numbers, as where its lowest resolution is beyond "
    "the map's (set 'Minimum resolution for B-factor fit' on the Polish tab, --bfac_minfreq, to "
    "more ångströms than the map's resolution has)"
)
_POLISH = "relion_motion_refine"
_FACTORS = "bfactors.star"
_SCALE = "rlnFittedInterceptGuinierPlot"


def unfit(calls: Iterable[Call], finished: Finished) -> str:
    """UNFIT if a polishing's scale factors are all no numbers; else ""."""
    for call in calls:
        folder = call.value("--o")
        if call.name.removesuffix("_mpi") == _POLISH and folder is not None:
            scales = _scales(finished.read(posixpath.join(folder.text, _FACTORS)))
            if scales and not any(map(math.isfinite, scales)):
                return UNFIT
    return ""


def _scales(data: bytes) -> list[float]:
    """The frames' scale factors, in logarithms; none where the list cannot be read."""
    with suppress(FormatError, ValueError):
        rows = rows_in(io.BytesIO(data), _SCALE.__eq__, name=_FACTORS)
        return [float(row.values[_SCALE]) for row in rows]
    return []
