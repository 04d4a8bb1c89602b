"""What RELION remembers of its windows, where that keeps new jobs from our queue.

RELION saves a job's fields as `.gui_*job.star` when the job is run, and proposes them for the next
job of that kind. They win over the variables of env.sh, so that a project that has known another
queue goes on handing its jobs to that one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from cryoem_cloud.apps.star import Row, rows_in

__all__ = ["SavedFields", "saved_fields"]

_FILES = ".gui_*job.star"
_TABLE = "joboptions_values"
_VARIABLE, _VALUE = "rlnJobOptionVariable", "rlnJobOptionValue"

_TITLES = {
    "do_queue": "Submit to queue",
    "qsub": "Queue submit command",
    "qsubscript": "Standard submission script",
}
_EXTRA = re.compile(r"qsub_extra\d+")
_RUN_HERE = re.compile(r"\.gui_(import|manualpick|select)job\.star")
"""RELION's GUI runs these where it runs itself, and saves so."""
_OUR_LINES = re.compile(r"^#CRYOEM ", re.MULTILINE)
_NEEDS_QUOTES = re.compile(r"^$|[\s\"'#]")


@dataclass(frozen=True, slots=True)
class SavedFields:
    """A file in which fields differ from what they should be: `values` has these, by their name."""

    file: Path
    values: Mapping[str, str]
    wanted: Mapping[str, str]

    def said(self) -> str:
        """The fields as RELION's window shows them."""
        shown = {_TITLES.get(name, name): value for name, value in self.values.items()}
        return ", ".join(f"{title}: {value or '(empty)'}" for title, value in shown.items())

    def mended(self) -> bytes:
        """The file's bytes with these fields as wanted; every other byte is as it was."""
        data = self.file.read_bytes()
        lines = data.splitlines(keepends=True)
        for row in _fields(data, self.file):
            name = row.values[_VARIABLE]
            if name in self.wanted:
                lines[row.line - 1] = _with_value(lines[row.line - 1], name, self.wanted[name])
        return b"".join(lines)


def saved_fields(project: Path, command: str, template: Path) -> tuple[SavedFields, ...]:
    """The files of a RELION project whose fields keep new jobs from `command` and `template`.

    A template with lines of ours is the user's own, and may stay.

    Raises:
        FormatError: A file is no STAR file; its name and the line are told.
        OSError: A file cannot be read.
    """
    found = (
        SavedFields(file, *_off(file, command, template))
        for file in sorted(project.glob(_FILES))
        if file.is_file()
    )
    return tuple(saved for saved in found if saved.values)


def _off(file: Path, command: str, template: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The fields that differ: as they are, and as they should be."""
    values = {
        row.values[_VARIABLE]: row.values.get(_VALUE, "")
        for row in _fields(file.read_bytes(), file)
    }
    if not _TITLES.keys() <= values.keys():
        return {}, {}
    wanted = {}
    if not _RUN_HERE.fullmatch(file.name) and values["do_queue"] != "Yes":
        wanted["do_queue"] = "Yes"
    if not _is_ours(values["qsubscript"], file.parent, template):
        wanted["qsubscript"] = str(template)
    if values["qsub"] != command:
        wanted["qsub"] = command
        wanted |= {name: "" for name, value in values.items() if _EXTRA.fullmatch(name) and value}
    return {name: values[name] for name in wanted}, wanted


def _is_ours(named: str, project: Path, template: Path) -> bool:
    file = project / named
    if file == template:
        return True
    try:
        return _OUR_LINES.search(file.read_text(errors="replace")) is not None
    except OSError:
        return False


def _fields(data: bytes, file: Path) -> Iterator[Row]:
    labels = {_VARIABLE, _VALUE}
    table = rows_in(BytesIO(data), labels.__contains__, table=_TABLE, name=str(file))
    return (row for row in table if _VARIABLE in row.values)


def _with_value(line: bytes, name: str, value: str) -> bytes:
    """A row of RELION's, a name and a value, with another value."""
    old = rb"\"[^\"]*\"|'[^']*'|[^ \t\r\n]+"
    field = rb"^([ \t]*" + re.escape(name.encode()) + rb")([ \t]+(?:" + old + rb")|(?=[ \t\r\n]))"
    text = _quoted(value).encode("utf-8", "surrogateescape")
    return re.sub(field, lambda found: found[1] + b" " + text, line)


def _quoted(value: str) -> str:
    if not _NEEDS_QUOTES.search(value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'
