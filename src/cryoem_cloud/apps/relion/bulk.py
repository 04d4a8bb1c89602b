"""Which outputs of a job stay in the store where bringing them home costs money."""

import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import cache

from cryoem_cloud.apps.relion.script import calls, job_folder
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.paths import is_below

__all__ = ["bulk", "fitting", "inside"]

_SIGNS = {"**/": r"(?:[^/]+/)*", "**": r".+", "*": r"[^/]*", "#": r"(?P<number>\d{1,9})"}
"""What row.py says of patterns, as regular expressions."""


def bulk(job: Job, paths: Iterable[str], *, ended: bool) -> frozenset[str]:
    """See the port: Application.bulk. Of a script that is not bash nothing stays."""
    whole = tuple(paths)
    found: set[str] = set()
    try:
        for call in calls(job.script):
            if call.program is not None and call.program.bulk:
                folder = posixpath.normpath(job_folder(call) or job.outputs[0])
                found |= fitting(call.program.bulk, inside(whole, folder), ended=ended)
    except FormatError:
        return frozenset()
    return frozenset(found)


def inside(paths: Iterable[str], folder: str) -> Mapping[str, str]:
    """The paths below a folder, and what each is called in it."""
    start = 0 if folder == "." else len(folder) + 1
    return {path: path[start:] for path in paths if is_below(path, folder) and path[start:]}


def fitting(patterns: Iterable[str], names: Mapping[str, str], *, ended: bool) -> set[str]:
    """The paths whose names the patterns fit; the last pattern that fits a name counts.

    Of a run whose name has a number, the last one does not fit once the job has `ended`.
    """
    staying: set[str] = set()
    for pattern in patterns:
        expression = _expression(pattern.removeprefix("!"))
        fits = {
            path: found for path, name in names.items() if (found := expression.fullmatch(name))
        }
        if pattern.startswith("!"):
            staying -= fits.keys()
        elif "#" in pattern and ended:
            staying |= _all_but_last(fits)
        else:
            staying |= fits.keys()
    return staying


def _all_but_last(fits: Mapping[str, re.Match[str]]) -> set[str]:
    """Those whose number is not the greatest behind what stands before it."""
    numbered = {
        path: (found.string[: found.start("number")], int(found["number"]))
        for path, found in fits.items()
    }
    last: dict[str, int] = {}
    for run, number in numbered.values():
        last[run] = max(number, last.get(run, 0))
    return {path for path, (run, number) in numbered.items() if number < last[run]}


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*\*|\*|#)", pattern)
    return re.compile("".join(_SIGNS.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
