"""Lists without rows: what RELION calls a success, and nothing can go on from.

A selection that selects nothing and a search that finds nothing are answers, and stay successes
with a warning (causes/warnings.py). A program that was to do something to each micrograph, and did
it to none, has failed; RELION 5 says so itself where its input is empty.
"""

import io
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from cryoem_cloud.apps.relion.script import Call
from cryoem_cloud.apps.star import rows_in
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.ports.application import START_BYTES, Finished

__all__ = ["empty_input", "empty_output"]


@dataclass(frozen=True, slots=True)
class _List:
    """A list by the option that names it or its folder, and by the column that it lives by.

    `lacks` says what it means that it is empty, `look` where to look for the cause.
    """

    option: str
    name: str
    column: str
    lacks: str
    look: str


_MADE = {
    "relion_run_motioncorr": _List(
        "--o",
        "corrected_micrographs.star",
        "rlnMicrographName",
        "no movie was corrected",
        "is its input a list of movies, and are they whole?",
    ),
    "relion_run_ctffind": _List(
        "--o",
        "micrographs_ctf.star",
        "rlnMicrographName",
        "no micrograph has CTF values",
        "run.err and the *_ctffind4.log files in its folder have CTFFIND's words",
    ),
    "relion_preprocess": _List(
        "--part_star",
        "",
        "rlnImageName",
        "no particle was extracted",
        "were particles picked in these micrographs?",
    ),
}
_READ = {
    "relion_refine": _List(
        "--i", "", "rlnImageName", "there is no particle", "look at the job that made it"
    )
}


def empty_output(calls: Iterable[Call], finished: Finished) -> str:
    """What a program made nothing of, though it ended well; "" if there is no such program."""
    return _empty(calls, finished, _MADE)


def empty_input(calls: Iterable[Call], finished: Finished) -> str:
    """What a program was given nothing of; "" if it was given something, or made do."""
    return _empty(calls, finished, _READ)


def _empty(calls: Iterable[Call], finished: Finished, lists: dict[str, _List]) -> str:
    for call in calls:
        one = lists.get(call.name.removesuffix("_mpi"))
        word = call.value(one.option) if one else None
        if one is None or word is None:
            continue
        path = posixpath.join(word.text, one.name) if one.name else word.text
        data = finished.read(path)
        if data and not _has_row(data, one.column):
            return f"{one.lacks} in {path} ({one.look})"
    return ""


def _has_row(data: bytes, column: str) -> bool:
    """Whether a STAR file holds a row; yes where the start of it, which we have, does not tell."""
    if len(data) >= START_BYTES:
        return True
    try:
        return any(True for _ in rows_in(io.BytesIO(data), column.__eq__, name=column))
    except FormatError:
        return True
