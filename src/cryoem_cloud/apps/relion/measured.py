"""How much a list of RELION's stands for: its rows, its particles' box, the bytes of its images."""

from collections.abc import Collection
from dataclasses import dataclass

from cryoem_cloud.apps.images import Frames, frames_of
from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.programs import NO_FILES
from cryoem_cloud.apps.relion.script import Call
from cryoem_cloud.apps.star_count import counted
from cryoem_cloud.model.errors import MissingInputError, RefusedError
from cryoem_cloud.ports.view import View

__all__ = ["Listed", "first_frames", "listed_by", "measured"]

_TABLES = ("particles", "movies", "micrographs", "images", "")
"""The main table of a list: since 3.1, and before."""
_SIZE, _DIMENSIONS, _IMAGE = "rlnImageSize", "rlnImageDimensionality", "rlnImageName"
_BYTES_A_PIXEL = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list: how many rows it has, and the first value of each label that was asked for.

    Of particles, `box_px` is the edge of an image and `bytes` what all images take in their files,
    as the first one does; each is 0 where it is not known. `list_bytes` are the list's own.
    """

    rows: int = 0
    first: dict[str, str]
    list_bytes: int = 0
    box_px: int = 0
    bytes: int = 0


def listed_by(
    call: Call, option: str, view: View, labels: Collection[str] = (_SIZE, _DIMENSIONS, _IMAGE)
) -> Listed:
    """The list that an option names; an empty one where none does.

    Raises:
        MissingInputError: It is not there.
        FormatError: It cannot be read; the message names the line.
        RefusedError: It is nothing that can be read.
    """
    word = call.value(option)
    if word is None or word.text in NO_FILES or not word.text.endswith(".star"):
        return Listed(first={})
    asker = f"{call.name} {option}"
    return measured(names.placed(word.text, asker), view, labels, asker=asker)


def measured(
    path: str,
    view: View,
    labels: Collection[str] = (_SIZE, _DIMENSIONS, _IMAGE),
    *,
    asker: str,
) -> Listed:
    """The list at a path.

    Raises:
        As `listed_by`.
    """
    try:
        with view.open(path) as file:
            found = counted(file, _TABLES, labels, name=path)
            list_bytes = file.seek(0, 2)
    except OSError as error:
        raise MissingInputError(
            f"{path}, for which {asker} asks, cannot be read: {error.strerror}",
            hint="the job that makes it may not have run yet",
        ) from error
    frames = first_frames(names.image_file(found.first.get(_IMAGE, "")), view)
    box = _box(found.first.get(_SIZE, ""), frames)
    sides = 3 if found.first.get(_DIMENSIONS) == "3" else 2
    if frames is not None:
        each = frames.file_bytes / (frames.count if sides == 2 else 1)  # noqa: PLR2004  (a plane)
    else:
        each = _BYTES_A_PIXEL * box**sides
    return Listed(
        rows=found.rows,
        first=found.first,
        list_bytes=list_bytes,
        box_px=box,
        bytes=int(found.rows * each) if box else 0,
    )


def first_frames(path: str, view: View) -> Frames | None:
    """What the header of an image tells; None where it cannot be read."""
    try:
        placed = names.listed(path, "the list") if path else ""
        if not placed:
            return None
        with view.open(placed) as file:
            return frames_of(file, placed)
    except (OSError, RefusedError):
        return None


def _box(size: str, frames: Frames | None) -> int:
    if size.isdecimal():
        return int(size)
    return frames.width if frames is not None else 0
