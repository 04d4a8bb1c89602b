"""Why a job failed, in the user's language, from what its programs said."""

import re

from cryoem_cloud.apps.relion.causes import CAUSES, WARNINGS
from cryoem_cloud.ports.application import Finished

__all__ = ["ended_by", "explained", "report", "warned"]

_REPORT = re.compile(r"^in: \S+, line \d+\nERROR: *\n(?P<what>[^\n]*\S)", re.MULTILINE)
"""RELION's report of an error ends the program that makes it, always.

in: /build/src/autopicker.cpp, line 1063
ERROR:
there is no such reference
"""
_ERROR = re.compile(r"^ERROR(?::|  )\s*")
_LINES_OF_REPORT = 4
_LONGEST_REPORT = 200
"""Characters. A list of all particles may be in it."""


def report(finished: Finished) -> str:
    """What RELION's first report says; "" if there is none. Later ones often follow from it."""
    found = _REPORT.search(finished.tail_err)
    said = _ERROR.sub("", found["what"].strip()).rstrip(" .") if found else ""
    return said if len(said) <= _LONGEST_REPORT else f"{said[:_LONGEST_REPORT]}…"


def explained(finished: Finished) -> str:
    """What went wrong and, in brackets, what to do; "" where we do not know.

    What stands up to the first report counts before what stands behind it, errors before output.
    """
    for log in (_up_to_report(finished.tail_err), finished.tail_err, finished.tail_out):
        for cause in CAUSES:
            if said := cause.said(log):
                return said
    return ""


def ended_by(finished: Finished) -> str:
    """As `explained`, of programs that end without telling anybody; "" if none did."""
    said = (cause.said(finished.tail_err) for cause in CAUSES if cause.ends)
    return next(filter(None, said), "")


def warned(finished: Finished) -> str:
    """What a user should know of a success and, in brackets, what to do; "" if nothing."""
    said = (cause.said(finished.tail_err + finished.tail_out) for cause in WARNINGS)
    return "; ".join(filter(None, said))


def _up_to_report(log: str) -> str:
    found = _REPORT.search(log)
    if found is None:
        return ""
    behind = log[found.end() :].split("\n")[:_LINES_OF_REPORT]
    return log[: found.end()] + "\n".join(behind)
