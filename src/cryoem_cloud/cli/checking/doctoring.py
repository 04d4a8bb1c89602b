"""How doctors' findings are shown."""

from collections.abc import Iterable
from typing import Protocol

import click

from cryoem_cloud.cli.telling import as_json

__all__ = ["Finding", "shown"]

_WELL, _WRONG, _YELLOW = "ok", "!!", "--"
_COLOURS = {_WELL: "green", _WRONG: "red", _YELLOW: "yellow"}


class Finding(Protocol):
    """A line of a doctor's."""

    @property
    def what(self) -> str:
        """What was looked at."""
        ...

    @property
    def found(self) -> str:
        """What was found."""
        ...

    @property
    def mend(self) -> str:
        """What to do; "": it is well."""
        ...

    @property
    def wrong(self) -> bool:
        """Whether something does not work until that is done."""
        ...


def shown(findings: Iterable[Finding], *, yellow: str, json_: bool) -> int:
    """Show each finding as soon as it is there; the exit code, 1 if something is wrong.

    `yellow` says what a line means that is neither well nor wrong.
    """
    found = []
    for finding in findings:
        found.append(finding)
        if not json_:
            click.echo(f"{_marked(_kind(finding))}  {finding.what}: {finding.found}")
            if finding.mend:
                click.echo(f"      → {finding.mend}")
    if json_:
        rows = [{"what": f.what, "found": f.found, "mend": f.mend, "wrong": f.wrong} for f in found]
        click.echo(as_json({"checks": rows}))
    else:
        kinds = set(map(_kind, found))
        for kind, means in ((_WRONG, "mend this"), (_YELLOW, yellow)):
            if kind in kinds:
                click.echo(f"{_marked(kind)}  means: {means}")
    return 1 if any(finding.wrong for finding in found) else 0


def _kind(finding: Finding) -> str:
    if not finding.mend:
        return _WELL
    return _WRONG if finding.wrong else _YELLOW


def _marked(kind: str) -> str:
    return click.style(kind, fg=_COLOURS[kind])
