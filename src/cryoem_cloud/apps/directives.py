"""What a script says to us in comment lines: `#CRYOEM key=value`, as clusters read `#SBATCH`.

Keys: name, mpi, threads, where, machine, market, deadline, budget, hours, count, max_machines,
pieces, home, image, container; for programs that we do not know, in and out (paths as a shell
writes them, several in a line or several lines). RELION pastes what users type into our template as
it is, so a value is text and never a command.
"""

import re
import shlex
from collections.abc import Mapping
from decimal import Decimal

from cryoem_cloud.model.errors import FormatError, UsageError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.units import hours_of
from cryoem_cloud.model.usd import ZERO, usd

__all__ = ["directives", "paths", "wish"]

_DIRECTIVE = re.compile(r"^#CRYOEM[ \t]+(?P<key>[a-z_]+)=(?P<value>.*)$", re.MULTILINE)
_KEYS = (
    "name",
    "mpi",
    "threads",
    "where",
    "machine",
    "market",
    "deadline",
    "budget",
    "hours",
    "count",
    "max_machines",
    "pieces",
    "home",
    "image",
    "container",
    "in",
    "out",
)
_NUMBERS = frozenset({"count", "max_machines", "pieces", "hours"})
"""Keys whose values are numbers that the user gives."""
_SECOND = re.compile(rf"(?:^|\s)(?P<key>{'|'.join(_KEYS)})=")
"""Another key in a value; a file whose name looks like that is written ./out=x."""
_UNSET = re.compile(r"XXX\w+XXX")
"""RELION leaves a placeholder as it stands where the user gave no value."""
_HOUR_S = 3600
_LONGEST = 6
"""Digits of a number that anybody means."""


def directives(script: str) -> Mapping[str, str]:
    """The values of `#CRYOEM key=value` lines; what the user left unset is empty."""
    return {
        found["key"]: "" if _UNSET.search(found["value"]) else found["value"].strip()
        for found in _DIRECTIVE.finditer(script)
    }


def wish(script: str) -> Wish:
    """What the directives ask of the machines.

    What RELION writes of ranks and threads counts as unset where it is no number.

    Raises:
        UsageError: A line has a key that there is not, or a second one, or no number, time or
            sum where the user is to give one.
    """
    _require_one_key_a_line(script)
    _require_numbers(script)
    said = directives(script)
    return Wish(
        where=said.get("where", ""),
        machine=said.get("machine", ""),
        market=said.get("market", ""),
        deadline_s=_seconds(said.get("deadline", "")),
        budget_usd=_dollars(said.get("budget", "")),
        hours=_number(said.get("hours", ""), 0),
        count=_number(said.get("count", ""), 0),
        max_machines=_number(said.get("max_machines", ""), 0),
        pieces=_number(said.get("pieces", ""), 0),
        home=said.get("home", ""),
        image=said.get("image", ""),
        container=said.get("container", ""),
        ranks=_number(said.get("mpi", ""), 1),
        threads=_number(said.get("threads", ""), 1),
    )


def paths(script: str, key: str) -> tuple[str, ...]:
    """The paths that the `in` or `out` lines name.

    Raises:
        UsageError: A line's quotes do not match.
    """
    found: list[str] = []
    for line in _DIRECTIVE.finditer(script):
        if line["key"] == key and not _UNSET.search(line["value"]):
            try:
                found.extend(shlex.split(line["value"]))
            except ValueError as error:
                raise UsageError(f"{line[0]!r} cannot be read: {error}") from error
    return tuple(found)


def _require_one_key_a_line(script: str) -> None:
    for line in _DIRECTIVE.finditer(script):
        if line["key"] not in _KEYS:
            raise UsageError(
                f"{line[0]!r}: there is no key {line['key']!r}",
                hint=f"known are {', '.join(_KEYS)}",
            )
        if line["key"] != "name" and (second := _SECOND.search(line["value"])):
            raise UsageError(
                f"{line[0]!r} has a second key, {second['key']}",
                hint="one key a line, each line with its own #CRYOEM",
            )


def _require_numbers(script: str) -> None:
    for line in _DIRECTIVE.finditer(script):
        value = line["value"].strip()
        given = line["key"] in _NUMBERS and value and not _UNSET.search(value)
        if given and not _number(value, 0):
            raise UsageError(
                f"{line[0]!r}: {line['key']} should be a whole number above 0, found {value!r}",
                hint="correct RELION's field or the line, or leave it empty",
            )


def _number(text: str, unset: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST else unset


def _seconds(text: str) -> int:
    try:
        return max(1, round(hours_of(text) * _HOUR_S)) if text else 0
    except ValueError:
        raise UsageError(
            f"#CRYOEM deadline should be a time above 0, found {text!r}",
            hint="8h are 8 hours, 90m are 90 minutes, 2d are 2 days; or leave it empty",
        ) from None


def _dollars(text: str) -> Decimal:
    hint = "50 are 50 US dollars, 12.50 are 12 and a half; or leave it empty"
    try:
        found = usd(text.removeprefix("$")) if text else ZERO
    except FormatError:
        found = Decimal(-1)
    if found < 0 or (text and not found):
        raise UsageError(f"#CRYOEM budget should be US dollars, found {text!r}", hint=hint)
    return found
