"""What a filter makes of a block."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cryoem_cloud.model.record import JSON

__all__ = ["STEP_BYTES", "Bytes", "Packed", "Read"]

Bytes = NDArray[np.uint8]
Read = Callable[[int], bytes]
"""The next so many bytes of a block's payload."""
STEP_BYTES = 1024 * 1024
"""Raw bytes that are worked on at once, which caches hold. Of planes it is part of the format."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A block's payload of `size` bytes, in pieces of which each is gone when the next comes.

    `fields` are what its recipe says beside the way and the raw size.
    """

    fields: Mapping[str, JSON]
    size: int
    pieces: Iterator[Bytes]
