"""How a command reads the files of its options, its flags considered, and which rows it follows."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.programs import UNKNOWN
from cryoem_cloud.apps.relion.row import Reading
from cryoem_cloud.apps.relion.script import Call

__all__ = ["MICROGRAPH", "followed", "labels", "needs_screen", "readings"]

MICROGRAPH = "rlnMicrographName"


def readings(call: Call) -> Mapping[str, Reading]:
    """How the call reads the files of its options.

    The words of the command stand where the table has options: for `column` the label, for `among`
    the lists of micrographs.
    """
    row = call.program or UNKNOWN
    found: dict[str, Reading] = dict(row.inputs)
    for variant in row.variants:
        if call.has(variant.flag):
            found.pop(variant.option, None)
            if variant.reading is not None:
                found[variant.option] = variant.reading
    return {option: _as_told(call, reading) for option, reading in found.items()}


def needs_screen(call: Call) -> bool:
    """Whether the call is one that a user must look at and click on."""
    row = call.program or UNKNOWN
    return any(not flag or call.has(flag) for flag in row.interactive)


def _as_told(call: Call, reading: Reading) -> Reading:
    label = call.value(reading.column) if reading.column else None
    if label is not None:
        below = next(iter(reading.columns.values()))
        return replace(reading, columns={label.text: below}, column="")
    if reading.among:
        words = (call.value(option) for option in reading.among)
        return replace(reading, among=tuple(word.text for word in words if word is not None))
    return reading


def labels(reading: Reading) -> Callable[[str], bool]:
    """Whether a label of a list matters to such a reading."""
    wanted = {*reading.columns}
    if reading.first_of:
        wanted.add(reading.first_of)
    if reading.among:
        wanted.add(MICROGRAPH)
    return wanted.__contains__


def followed(
    rows: Iterable[tuple[int, Mapping[str, str]]], reading: Reading, micrographs: Collection[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows that lead on where not all do: the line, and the values of the columns.

    `micrographs` are those that the lists of `among` name, their jobs' folders taken off.
    """
    met: set[str] = set()
    for line, values in rows:
        leading = {label: value for label, value in values.items() if label in reading.columns}
        if not leading:
            continue
        first = False
        if reading.first_of is not None:
            kind = values.get(reading.first_of, "")
            first = kind not in met
            met.add(kind)
        if first or names.without_job(values.get(MICROGRAPH, "")) in micrographs:
            yield line, leading
