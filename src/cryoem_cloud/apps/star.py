"""Reading STAR files as RELION does, a row at a time.

What counts is what RELION 3.1 and 5.0 accept (their metadata_table.cpp), not the STAR standard: a
`data_` line opens a table, `loop_` and `_label #n` lines name its columns, rows follow until the
first blank line; a table without `loop_` has one label and value a line. Words are separated by
blanks, or quoted; no text spans lines. Bytes that are not UTF-8 are kept as surrogates, as in file
names. Memory is bounded by the longest line.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

from cryoem_cloud.model.errors import FormatError

__all__ = ["Row", "rows", "rows_in"]

_LONGEST_LINE = 1024 * 1024
"""Bytes; RELION's widest rows are a few thousand."""

_DROPPED = b"\r\v\b\f\a"
"""RELION deletes these from rows."""

_BLANKS = re.compile(r" {2,}")
_QUOTED = re.compile(r"""(["'])(?P<inside>.*?)\1(?=[ \t]|$)""")
_PLAIN = re.compile(r"[^ \t]+")
_FEWEST_STRICT = 3
"""Tables with fewer columns may have short rows; RELION lets an empty last value be."""


@dataclass(frozen=True, slots=True)
class Row:
    """Some values of one row: the table's name, the line (from 1), and the values by label."""

    table: str
    line: int
    values: dict[str, str]


class _Part(Enum):
    """Where in the file the reader stands."""

    BETWEEN = auto()
    OPENED = auto()
    LIST = auto()
    LABELS = auto()
    ROWS = auto()


@dataclass(slots=True)
class _Reader:
    """The state of one pass over one file."""

    name: str
    wanted: Callable[[str], bool]
    part: _Part = _Part.BETWEEN
    table: str = ""
    line: int = 0
    width: int = 0
    columns: list[tuple[int, str]] = field(default_factory=list)
    listed: dict[str, str] = field(default_factory=dict)

    def take(self, raw: bytes) -> dict[str, str] | None:
        """The wanted values on the next line, if it carries any."""
        self.line += 1
        if self.part is _Part.ROWS:
            return self._row(raw)
        text = raw.decode("utf-8", "surrogateescape").strip(" \t\r\n")
        if text.startswith("data_") and self.part is not _Part.LABELS:
            self.part, self.table = _Part.OPENED, text.removeprefix("data_")
            return None
        if self.part in {_Part.OPENED, _Part.LIST} and text.startswith("loop_"):
            self.part, self.width, self.columns = _Part.LABELS, 0, []
            return None
        if self.part is _Part.LABELS:
            return self._label(raw, text)
        if self.part in {_Part.OPENED, _Part.LIST} and text.startswith("_"):
            self.part = _Part.LIST
            return self._pair(text)
        return None

    def _label(self, raw: bytes, text: str) -> dict[str, str] | None:
        if text.startswith("_"):
            name = text[1:].partition("#")[0].strip(" \t")
            if self.wanted(name):
                self.columns.append((self.width, name))
            self.width += 1
            return None
        if not text or text[0] in "#;":
            return None
        self.part = _Part.ROWS
        return self._row(raw)

    def _pair(self, text: str) -> dict[str, str] | None:
        name, _, rest = text[1:].replace("\t", " ").partition(" ")
        values = self._words(rest)
        if not values:
            raise self._off(f"_{name} has no value")
        return {name: values[0]} if self.wanted(name) else None

    def _row(self, raw: bytes) -> dict[str, str] | None:
        words: Sequence[str | bytes]
        if not raw.strip():
            self.part = _Part.BETWEEN
            return None
        if b'"' in raw or b"'" in raw or b"#" in raw:
            text = raw.translate(None, _DROPPED).decode("utf-8", "surrogateescape")
            words = self._words(_BLANKS.sub(" ", text.replace("\t", " ").strip(" \n")))
        else:
            words = raw.translate(None, _DROPPED).split()
        if len(words) > self.width:
            raise self._off(f"{len(words)} columns, where {self.width} are named")
        if len(words) < self.width and self.width >= _FEWEST_STRICT:
            raise self._off(f"{len(words)} columns, where {self.width} are named")
        if not self.columns:
            return None
        return {name: _text(words[at]) for at, name in self.columns if at < len(words)}

    def _words(self, text: str) -> list[str]:
        """The words of a line; a `#` at the start of a word ends the line."""
        words: list[str] = []
        at = 0
        while at < len(text):
            if text[at] in " \t":
                at += 1
                continue
            if text[at] == "#":
                break
            if text[at] in "\"'":
                found = _QUOTED.match(text, at)
                if found is None:
                    raise self._off("a quote that is not closed")
                words.append(found["inside"])
            else:
                found = _PLAIN.match(text, at)
                if found is None:  # pragma: no cover  (a word starts here)
                    break
                words.append(found[0])
            at = found.end()
        return words

    def _off(self, what: str) -> FormatError:
        return FormatError(f"{self.name} line {self.line}: {what}")


def rows(path: Path, wanted: Callable[[str], bool], *, table: str | None = None) -> Iterator[Row]:
    """The rows of a STAR file that hold a wanted label (labels come without the underscore).

    With `table`, the rows of the table of that name alone. A table without `loop_` gives one row a
    label.

    Raises:
        FormatError: A row is malformed; the message names the file and the line.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        yield from rows_in(file, wanted, table=table, name=str(path))


def rows_in(
    file: BinaryIO, wanted: Callable[[str], bool], *, table: str | None = None, name: str
) -> Iterator[Row]:
    """As `rows`, of a file that is open; `name` is what messages call it."""
    reader = _Reader(name, wanted)
    for raw in _lines(file, name):
        values = reader.take(raw)
        if values and table in {None, reader.table}:
            yield Row(reader.table, reader.line, values)


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    while raw := file.readline(_LONGEST_LINE):
        number += 1
        if len(raw) == _LONGEST_LINE:
            raise FormatError(f"{name} line {number}: too long for a STAR file")
        yield raw


def _text(word: str | bytes) -> str:
    return word.decode("utf-8", "surrogateescape") if isinstance(word, bytes) else word
