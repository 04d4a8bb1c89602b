"""What is expected after so many jobs were measured, from what was expected before.

docs/explanation/performance-model.md explains it.
"""

from collections.abc import Sequence
from math import exp, hypot, log, sqrt
from statistics import median

from cryoem_cloud.model.spread import Spread

__all__ = ["P90_SIGMAS", "drawn", "posterior"]

P90_SIGMAS = 1.2815515655446004
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
    side = log(prior.p90 / prior.p50) if middle >= 0 else log(prior.p50 / prior.p10)
    beyond = max(0.0, abs(middle) - side)
    scatter = sqrt(
        (_WORTH * _SCATTER**2 + sum((each - middle) ** 2 for each in logs) + beyond**2)
        / (_WORTH + len(logs))
    )
    return drawn(prior, middle, noise=scatter / sqrt(len(logs)), scatter=scatter)


def drawn(prior: Spread, middle: float, *, noise: float, scatter: float = 0.0) -> Spread:
    """The prior, drawn towards what was measured: exp(`middle`) times its P50.

    `noise` is how far that may be off, `scatter` how far what is to come is from it besides, both
    as standard deviations of logarithms.
    """
    below, above = log(prior.p50 / prior.p10), log(prior.p90 / prior.p50)
    sigma = (above if middle >= 0 else below) / P90_SIGMAS
    trust = sigma**2 / (sigma**2 + noise**2) if sigma else 0.0
    p50 = prior.p50 * exp(trust * middle)
    left = (1 - trust) * middle
    down, up = (
        min(side, hypot(side * sqrt(1 - trust), P90_SIGMAS * scatter)) for side in (below, above)
    )
    return Spread(p50 * exp(-max(down, -left, 0.0)), p50, p50 * exp(max(up, left, 0.0)))
