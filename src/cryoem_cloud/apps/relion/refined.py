"""What a refinement works on, as its command and the files that it names say.

Only the start of a file is looked into, but for particles that are to be counted. Whatever stands
in a file, no more than the answer is lost.
"""

import re
import struct
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.programs import NO_FILES
from cryoem_cloud.apps.relion.script import Call
from cryoem_cloud.apps.star import blocks_in, rows_in
from cryoem_cloud.model.errors import FormatError, RefusedError
from cryoem_cloud.ports.view import View

__all__ = ["Refined", "first_values", "image_bytes", "listed_in", "named", "refined"]

_HEAD_BYTES = 64 * 1024
"""Of a list or a map: RELION writes its tables of one row, and of optics groups, first."""

_VOLUMES = ("--ref", "--ios", "--denovo_3dref", "--sym", "--multibody_masks")
"""With one of them a refinement has maps; class averages take little memory."""

_OPTICS, _TOMO_PARTICLES, _REFERENCE = "optics", "rlnTomoParticlesFile", "rlnReferenceImage"
_SIZE, _DIMENSIONS, _IMAGE = "rlnImageSize", "rlnImageDimensionality", "rlnImageName"
_HALVES = "rlnDoSplitRandomHalves"
_GRADIENTS = ("rlnDoStochasticGradientDescent", "rlnDoGradientRefine")
"""3.1.3 writes the first of them. In 5.0.1 that one changes from iteration to iteration."""
_MODEL, _DATA = "rlnModelStarFile", "rlnExperimentalDataStarFile"
_MAP_SIZE, _MAP_DIMENSIONS, _PAD = (
    "rlnOriginalImageSize",
    "rlnReferenceDimensionality",
    "rlnPaddingFactor",
)

_PIXELS = re.compile(r"[1-9]\d{0,4}")
_FACTOR = re.compile(r"[1-9]\d?(\.\d{1,6})?")
_BYTES_A_PIXEL = 4
_MRC_SIGN_AT = 208
"""Where an MRC file says that it is one; its sides come first (MRC2014)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """A refinement: of two `halves` or not, by one process `alone` or not, with `maps` or not.

    `box` is how many pixels a map has along a side, None where that is not known; `pad` how many
    times as many its transform has. `particles` is their list ("": not known).
    """

    halves: bool
    alone: bool
    maps: bool
    box: int | None
    pad: float
    particles: str


def refined(call: Call, view: View) -> Refined:
    """What a call of relion_refine works on. Reads starts of files only; never says no."""
    return _continued(call, view) if call.has("--continue") else _begun(call, view)


def image_bytes(particles: str, view: View) -> int | None:
    """How much memory the images of a list of particles take, read whole; None: not known.

    RELION keeps 4 bytes a pixel (Experiment::read). All boxes are taken to be as the first group's.
    """
    count, optics = 0, dict[str, str]()
    try:
        with view.open(particles) as file:
            wanted = {_SIZE, _DIMENSIONS, _IMAGE}
            for block in blocks_in(file, wanted.__contains__, name=particles):
                count += len(block.columns.get(_IMAGE, ()))
                if block.table == _OPTICS:
                    optics = next(block.rows()).values | optics
    except (FormatError, OSError):
        return None
    box = _pixels(optics.get(_SIZE))
    sides = 3 if optics.get(_DIMENSIONS) == "3" else 2
    return None if box is None else count * _BYTES_A_PIXEL * box**sides


def _begun(call: Call, view: View) -> Refined:
    """RELION's maps have the box of the first optics group (MlModel::initialiseFromImages)."""
    particles = named(call, "--i")
    if not particles and (tomograms := named(call, "--ios")):
        particles = listed_in(first_values(view, tomograms, {_TOMO_PARTICLES}), _TOMO_PARTICLES)
    box = _pixels(first_values(view, particles, {_SIZE}, table=_OPTICS).get(_SIZE))
    return Refined(
        halves=_splits(call),
        alone=call.has("--grad") or call.has("--sgd"),
        maps=_splits(call) or any(map(call.has, _VOLUMES)),
        box=box or _side(named(call, "--ref"), view),
        pad=_pad(call, ""),
        particles=particles,
    )


def _continued(call: Call, view: View) -> Refined:
    """A run that goes on has all of this from its files; of what is not known one process works."""
    told = first_values(view, named(call, "--continue"), {_HALVES, *_GRADIENTS, _MODEL, _DATA})
    model = first_values(view, listed_in(told, _MODEL), {_MAP_SIZE, _MAP_DIMENSIONS, _PAD})
    return Refined(
        halves=_splits(call) or _is_set(told, _HALVES),
        alone=_HALVES not in told or any(_is_set(told, label) for label in _GRADIENTS),
        maps=model.get(_MAP_DIMENSIONS) != "2",
        box=_pixels(model.get(_MAP_SIZE)),
        pad=_pad(call, model.get(_PAD, "")),
        particles=listed_in(told, _DATA),
    )


def _splits(call: Call) -> bool:
    return call.has("--split_random_halves") or call.has("--multibody_masks")


def _is_set(told: dict[str, str], label: str) -> bool:
    return told.get(label) == "1"


def _pixels(text: str | None) -> int | None:
    return int(text) if text is not None and _PIXELS.fullmatch(text) else None


def _pad(call: Call, kept: str) -> float:
    """What the command says of padding, or what was `kept`; else what RELION does."""
    word = call.value("--pad")
    text = kept if word is None else word.text
    return float(text) if _FACTOR.fullmatch(text) else 2.0


def named(call: Call, option: str) -> str:
    """The path that an option names; "" for none."""
    word = call.value(option)
    if word is None or word.text in NO_FILES:
        return ""
    try:
        return names.placed(word.text, call.name)
    except RefusedError:
        return ""


def listed_in(values: dict[str, str], label: str) -> str:
    """The path of the file that a list names under the label; "" for none."""
    try:
        return names.listed(names.image_file(values.get(label, "")), label)
    except RefusedError:
        return ""


def _side(reference: str, view: View) -> int | None:
    """How many pixels a map, or the first one of a list, has along each of its sides."""
    path = reference
    if path.endswith(".star"):
        path = listed_in(first_values(view, path, {_REFERENCE}), _REFERENCE)
    with suppress(OSError, struct.error):
        head = _head(view, path)
        sides = (struct.unpack_from(f"{order}3i", head) for order in "<>")
        if head.startswith(b"MAP", _MRC_SIGN_AT):
            cubes = (_pixels(str(side)) for side, *others in sides if [side, side] == others)
            return next(filter(None, cubes), None)
    return None


def first_values(
    view: View, path: str, labels: Collection[str], *, table: str | None = None
) -> dict[str, str]:
    """The first values in the start of a list, by label; none of what cannot be read."""
    found: dict[str, str] = {}
    with suppress(FormatError, OSError):
        head = _head(view, path)
        whole = head if len(head) < _HEAD_BYTES else head[: head.rfind(b"\n") + 1]
        for row in rows_in(BytesIO(whole), labels.__contains__, table=table, name=path):
            found = row.values | found
    return found


def _head(view: View, path: str) -> bytes:
    """The start of a file; nothing of no file."""
    if not path:
        return b""
    with view.open(path) as file:
        return file.read(_HEAD_BYTES)
