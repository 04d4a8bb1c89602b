"""What is expected after so many jobs were measured, from what was expected before.

docs/explanation/performance-model.md explains it.
"""

from collections.abc import Sequence
from math import exp, hypot, log, sqrt
from statistics import median

from cryoem_cloud.model.spread import Spread

__all__ = ["posterior"]

_P90_SIGMAS = 1.2815515655446004
"""Of a normal distribution, how far P10 and P90 are from the middle, in standard deviations."""

_SCATTER = 0.25
"""How far jobs of one program on one machine type are apart, as a standard deviation of logarithms,
as long as nobody has seen more: their numbers do not tell all of their work. Our assumption."""
_WORTH = 2
"""As many jobs that assumption weighs. Our assumption."""


def posterior(prior: Spread, ratios: Sequence[float]) -> Spread:
    """The range that holds for the next job, if earlier ones took `ratios` times the prior's P50.

    Their median counts, and as much the more of them there are, the closer they are together, and
    the less the prior excludes it: one odd job moves little. Where they lie within the prior, the
    range is nowhere wider than it; where they do not, it reaches as far as they do. Another job at
    the median widens nothing. Their order does not matter.
    """
    if not ratios:
        return prior
    logs = [log(ratio) for ratio in ratios]
    middle = median(logs)
    below, above = log(prior.p50 / prior.p10), log(prior.p90 / prior.p50)
    side = above if middle >= 0 else below
    beyond = max(0.0, abs(middle) - side)
    scatter = sqrt(
        (_WORTH * _SCATTER**2 + sum((each - middle) ** 2 for each in logs) + beyond**2)
        / (_WORTH + len(logs))
    )
    sigma = side / _P90_SIGMAS
    trust = sigma**2 / (sigma**2 + scatter**2 / len(logs))
    moved = trust * middle
    left = middle - moved
    narrow = [
        min(each, hypot(each * sqrt(1 - trust), _P90_SIGMAS * scatter)) for each in (below, above)
    ]
    p50 = prior.p50 * exp(moved)
    return Spread(p50 * exp(-max(narrow[0], -left, 0.0)), p50, p50 * exp(max(narrow[1], left, 0.0)))
