"""How small movies could be: what their counts say in bits, whatever the format.

The bound is that of an encoder which knows each pixel's distribution in advance; it has to be told
the counts alone. No lossless encoder is smaller on average.
"""

from collections.abc import Sequence
from math import log2

__all__ = ["bits", "bound", "mean_bits"]


def bits(chances: Sequence[float]) -> float:
    """The entropy of a distribution, in bits."""
    return -sum(chance * log2(chance) for chance in chances if chance > 0)


def mean_bits(levels: Sequence[Sequence[float]], shares: Sequence[float]) -> float:
    """The mean entropy of pixels of which `shares` have the distributions `levels`, in bits."""
    return sum(share * bits(level) for level, share in zip(levels, shares, strict=True))


def bound(file_bytes: int, information_bits: float) -> float:
    """The greatest ratio at which a file with so much information can be compressed."""
    return file_bytes * 8 / information_bits
