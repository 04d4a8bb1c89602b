"""What a filter makes of a block."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cryoem_cloud.model.errors import CorruptObjectError, FormatError
from cryoem_cloud.model.record import JSON, integer

__all__ = ["STEP_BYTES", "Bytes", "Packed", "Read", "count_of"]

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


def count_of(fields: Mapping[str, JSON], name: str, most: int) -> int:
    """A recipe's number of something.

    Raises:
        CorruptObjectError: It is not there, negative, or more than `most`.
    """
    try:
        found = integer(fields, name)
    except FormatError as error:
        raise CorruptObjectError(f"a stored block's recipe cannot be read: {error}") from error
    if not 0 <= found <= most:
        raise CorruptObjectError(f"a stored block's recipe says {name} {found} (most: {most})")
    return found
