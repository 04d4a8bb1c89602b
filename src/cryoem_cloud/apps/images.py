"""What the header of an image file tells: its sides and its frames. No pixel is read."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Frames", "frames_of"]

_MRC = (".mrc", ".mrcs", ".map", ".st")
_EER = ".eer"
_TIFF = (".tif", ".tiff", ".btf", ".gtiff", _EER)

_MRC_BYTES = 1024
_MOST_SIDE = 2**17
_MOST_FRAMES = 2**20
_WIDTH, _HEIGHT = 256, 257
_SHORT, _CLASSIC, _BIG = 3, 42, 43


@dataclass(frozen=True, slots=True)
class Frames:
    """A stack of images: the sides of one in pixels, how many there are, and the file's bytes.

    Of electron events (EER), frames are those that the camera wrote, some hundreds or thousands.
    """

    width: int
    height: int
    count: int
    file_bytes: int

    @property
    def pixels(self) -> int:
        """Of one image."""
        return self.width * self.height


def frames_of(file: BinaryIO, name: str) -> Frames | None:
    """What a file tells that is named so, as RELION goes by its ending; None: it is no such file.

    https://www.ccpem.ac.uk/mrc-format/mrc2014, TIFF 6.0 and BigTIFF. The file can be sought in.

    Raises:
        OSError: It cannot be read.
    """
    low = name.lower()
    try:
        if low.endswith(_MRC):
            found = _mrc(file.read(_MRC_BYTES))
        elif low.endswith(_TIFF):
            found = _tiff(file)
        else:
            return None
    except (struct.error, OverflowError):  # it is shorter than its header says
        return None
    width, height, count = found
    sides = 0 < width <= _MOST_SIDE and 0 < height <= _MOST_SIDE
    if not sides or not 0 < count <= _MOST_FRAMES:
        return None
    return Frames(width, height, count, file.seek(0, 2))


def _mrc(head: bytes) -> tuple[int, int, int]:
    """Old files have no sign of MRC2014; of the two orders of bytes the smaller sides are meant."""
    sides = [struct.unpack_from(f"{order}3i", head) for order in "<>"]
    likely = [found for found in sides if all(0 < side <= _MOST_SIDE for side in found)]
    if not likely:
        return 0, 0, 0
    columns, rows, sections = likely[0]
    return columns, rows, sections


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a TIFF file writes its numbers: the formats of counts and of places, their lengths."""

    order: str
    count: str
    place: str
    entry_bytes: int

    def read(self, file: BinaryIO, kind: str) -> int:
        size = struct.calcsize(self.order + kind)
        found: int = struct.unpack(self.order + kind, file.read(size))[0]
        return found


def _tiff(file: BinaryIO) -> tuple[int, int, int]:
    head = file.read(8)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        return 0, 0, 0
    (version,) = struct.unpack_from(order + "H", head, 2)
    if version == _CLASSIC:
        layout = _Layout(order, "H", "I", 12)
        (place,) = struct.unpack_from(order + "I", head, 4)
    elif version == _BIG:
        layout = _Layout(order, "Q", "Q", 20)
        place = layout.read(file, "Q")
    else:
        return 0, 0, 0
    sides, count = (0, 0), 0
    for start in _directories(file, layout, place):
        count += 1
        sides = sides if count > 1 else _sides(file, layout, start)
    return *sides, count


def _directories(file: BinaryIO, layout: _Layout, place: int) -> Iterator[int]:
    """Where each image's tags begin; a chain that comes back to itself ends."""
    met: set[int] = set()
    while place and place not in met and len(met) <= _MOST_FRAMES:
        met.add(place)
        yield place
        file.seek(place)
        entries = layout.read(file, layout.count)
        file.seek(entries * layout.entry_bytes, 1)
        place = layout.read(file, layout.place)


def _sides(file: BinaryIO, layout: _Layout, place: int) -> tuple[int, int]:
    """The width and the height that the tags at that place tell."""
    file.seek(place)
    found = {_WIDTH: 0, _HEIGHT: 0}
    for _ in range(layout.read(file, layout.count)):
        entry = file.read(layout.entry_bytes)
        tag, kind = struct.unpack_from(layout.order + "HH", entry)
        if tag in found:
            value = layout.order + ("H" if kind == _SHORT else "I")
            (found[tag],) = struct.unpack_from(value, entry, 4 + struct.calcsize(layout.place))
        if tag > _HEIGHT:
            break
    return found[_WIDTH], found[_HEIGHT]
