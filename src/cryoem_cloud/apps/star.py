"""Reading STAR files as RELION does, some thousand rows at a time.

What counts is what RELION 3.1 and 5.0 accept (their metadata_table.cpp), not the STAR standard: a
`data_` line, also behind a byte order mark, opens a table, `loop_` and `_label #n` lines name its
columns, rows follow until the first blank line; a table without `loop_` has one label and value a
line. Words are separated by blanks, or quoted; no text spans lines. Bytes that are not UTF-8 are
kept as surrogates, as in file names. Memory is bounded by the longest line.

Rows without quotes and remarks, which are nearly all, are split many at once: docs/evidence/star.md
has the figures.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

from cryoem_cloud.model.errors import FormatError

__all__ = ["Block", "Row", "blocks_in", "rows", "rows_in"]

_LONGEST_LINE = 1024 * 1024
"""Bytes; RELION's widest rows are a few thousand."""
_CHUNK_BYTES = 256 * 1024
_ROW_END = b"\0"
"""Stands for a row's end among the words of many rows."""

_DROPPED = b"\r\v\b\f\a"
"""RELION deletes these from rows."""
_NOT_PLAIN = tuple(bytes([byte]) for byte in b"\"'#" + _DROPPED + _ROW_END)
"""What rows hold that cannot be split at blanks alone."""

_BEGINS = (b"loop_", b"_rln")
"""What rows of a table with few columns may be taken for rows of, though it is the next table."""

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


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of one table that follow each other, a line each: the values, by label.

    `line` is that of the first row, from 1. Columns are of one length, and values as the file's
    bytes have them.
    """

    table: str
    line: int
    columns: dict[str, list[bytes]]

    def rows(self) -> Iterator[Row]:
        """A row at a time."""
        labels = list(self.columns)
        for after, words in enumerate(zip(*self.columns.values(), strict=True)):
            texts = (word.decode("utf-8", "surrogateescape") for word in words)
            values = dict(zip(labels, texts, strict=True))
            yield Row(self.table, self.line + after, values)


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

    def blocks(self, chunk: bytes) -> Iterator[Block]:
        """What is wanted of the lines of a chunk, which ends with a whole line."""
        at, plain = 0, True
        while at < len(chunk):
            if plain and self.part is _Part.ROWS:
                blank = chunk.find(b"\n\n", at)
                end = len(chunk) if blank < 0 else blank + 1
                block = self._many(chunk[at:end])
                if block is not None:
                    at = end
                    if block.columns:
                        yield block
                    continue
                plain = False
            end = chunk.find(b"\n", at) + 1 or len(chunk)
            values = self._take(chunk[at:end])
            at = end
            if values:
                yield Block(self.table, self.line, {name: [word] for name, word in values.items()})

    def _many(self, raw: bytes) -> Block | None:
        """All of these rows, if they are nothing but words between blanks, and as many as named."""
        if any(sign in raw for sign in _NOT_PLAIN):
            return None
        if self.width < _FEWEST_STRICT and any(sign in raw for sign in _BEGINS):
            return None
        words = raw.replace(b"\n", b" \0 ").split()
        if words[-1:] != [_ROW_END]:
            words.append(_ROW_END)
        step = self.width + 1
        count = len(words) // step
        if len(words) % step or words[self.width :: step] != [_ROW_END] * count or count == 0:
            return None
        if words.count(_ROW_END) != count:  # a blank line is among them
            return None
        first, self.line = self.line + 1, self.line + count
        return Block(self.table, first, {name: words[at::step] for at, name in self.columns})

    def _take(self, raw: bytes) -> dict[str, bytes] | None:
        """The wanted values on the next line, if it carries any."""
        self.line += 1
        if len(raw) >= _LONGEST_LINE:
            raise self.off("too long for a STAR file")
        if self.part is _Part.ROWS:
            return self._row(raw)
        text = raw.decode("utf-8", "surrogateescape").strip(" \t\r\n")
        before, opens, table = text.partition("data_")
        if opens and (not before or self.part is _Part.BETWEEN) and self.part is not _Part.LABELS:
            self.part, self.table = _Part.OPENED, table
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

    def _label(self, raw: bytes, text: str) -> dict[str, bytes] | None:
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

    def _pair(self, text: str) -> dict[str, bytes] | None:
        name, _, rest = text[1:].replace("\t", " ").partition(" ")
        values = self._words(rest)
        if not values:
            raise self.off(f"_{name} has no value")
        return {name: _bytes(values[0])} if self.wanted(name) else None

    def _row(self, raw: bytes) -> dict[str, bytes] | None:
        if not raw.strip():
            self.part = _Part.BETWEEN
            return None
        if b'"' in raw or b"'" in raw or b"#" in raw:
            text = raw.translate(None, _DROPPED).decode("utf-8", "surrogateescape")
            text = _BLANKS.sub(" ", text.replace("\t", " ").strip(" \n"))
            words = [_bytes(word) for word in self._words(text)]
        else:
            words = raw.translate(None, _DROPPED).split()
        if self.width < _FEWEST_STRICT and words and words[0].startswith(_BEGINS):
            raise self.off("a table begins; RELION needs a blank line before it")
        if len(words) > self.width:
            raise self.off(f"{len(words)} columns, where {self.width} are named")
        if len(words) < self.width and self.width >= _FEWEST_STRICT:
            raise self.off(f"{len(words)} columns, where {self.width} are named")
        if not self.columns:
            return None
        return {name: words[at] for at, name in self.columns if at < len(words)}

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
                    raise self.off("a quote that is not closed")
                words.append(found["inside"])
            else:
                found = _PLAIN.match(text, at)
                if found is None:  # pragma: no cover  (a word starts here)
                    break
                words.append(found[0])
            at = found.end()
        return words

    def off(self, what: str) -> FormatError:
        """What is wrong with the line."""
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
    for block in blocks_in(file, wanted, table=table, name=name):
        yield from block.rows()


def blocks_in(
    file: BinaryIO, wanted: Callable[[str], bool], *, table: str | None = None, name: str
) -> Iterator[Block]:
    """As `rows_in`, many rows at a time."""
    reader = _Reader(name, wanted)
    while chunk := file.read(_CHUNK_BYTES):
        if not chunk.endswith(b"\n"):
            rest = file.readline(_LONGEST_LINE)
            if len(rest) == _LONGEST_LINE:
                reader.line += chunk.count(b"\n") + 1
                raise reader.off("too long for a STAR file")
            chunk += rest
        for block in reader.blocks(chunk):
            if table in {None, block.table}:
                yield block


def _bytes(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")
