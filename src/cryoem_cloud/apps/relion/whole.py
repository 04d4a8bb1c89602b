"""Whether a file that a program wrote is whole, or the program was killed over it."""

import struct

from cryoem_cloud.apps.relion.row import Made
from cryoem_cloud.ports.view import View

__all__ = ["is_whole"]

_HEADER = struct.Struct("<4i76xi928x")
"""Of an MRC file, 1,024 bytes: columns, rows, sections and mode, and the bytes of its extension."""
_BYTES_A_PIXEL = {0: 1, 1: 2, 2: 4, 6: 2, 12: 2}
"""By mode: https://www.ccpem.ac.uk/mrc-format/mrc2014 and RELION's rwMRC.h."""


def is_whole(made: Made, path: str, view: View) -> bool:
    """Whether the file is as the table says of one that is whole; yes where it says nothing."""
    if not (made.holds or made.closes or made.image):
        return True
    try:
        with view.open(path) as file:
            data = file.read()
    except OSError:
        return False
    whole_image = not made.image or len(data) == _length(data)
    return made.holds in data and data.endswith(made.closes) and whole_image


def _length(image: bytes) -> int:
    """How long an MRC file's header says that the file is; -1 where it says nothing."""
    if len(image) < _HEADER.size:
        return -1
    columns, rows, sections, mode, extension = _HEADER.unpack_from(image)
    pixel = _BYTES_A_PIXEL.get(mode)
    return -1 if pixel is None else _HEADER.size + extension + columns * rows * sections * pixel
