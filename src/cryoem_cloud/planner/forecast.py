"""How long a running job will take yet, from how fast it has been so far."""

from math import exp, log

from cryoem_cloud.model.spread import Spread
from cryoem_cloud.planner.posterior import P90_SIGMAS, drawn

__all__ = ["left_s"]

_UNEVEN = 0.3
"""How far the rest of a job may be from the pace of its beginning, as a standard deviation of a
logarithm, where nothing of it is done yet. Our assumption; the share that is left scales it."""
_LEAST = 0.1
"""Of what is left by the pace so far, what is left at the least where a job is late."""


def left_s(expected_s: Spread | None, *, pace_s: float, share: float, since_s: float) -> Spread:
    """Seconds that are left of a job of whose work a `share` (0 to 1) was done `since_s` ago.

    `pace_s` is what all of its work takes as fast as that share went, `expected_s` what was
    expected of all of it (None: nothing). The more is done, the more the pace counts, and the
    narrower the range is.
    """
    noise = _UNEVEN * (1 - share)
    if expected_s is None:
        width = exp(P90_SIGMAS * noise)
        whole = Spread(pace_s / width, pace_s, pace_s * width)
    else:
        whole = drawn(expected_s, log(pace_s / expected_s.p50), noise=noise)
    least = max(_LEAST * (1 - share) * pace_s, 1.0)
    done_s = share * pace_s + since_s
    return Spread(*(max(each - done_s, least) for each in (whole.p10, whole.p50, whole.p90)))
