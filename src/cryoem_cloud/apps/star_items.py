"""STAR files cut by their rows: the same text, without some rows of one table.

Rows that have the same value of a label are one item; items are numbered from 0 in the order of
their first rows. Time is linear in the file's size, memory is the file's bytes and one entry an
item.
"""

import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from cryoem_cloud.apps.star import blocks_in

__all__ = ["Items", "items_of", "with_items"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """The items of a list: the number of each value, in order; the rows they have; their table."""

    label: str
    table: str
    numbers: dict[bytes, int]
    rows: int

    def names(self) -> Iterator[str]:
        """The values as text, in order."""
        return (value.decode("utf-8", "surrogateescape") for value in self.numbers)


def items_of(
    data: bytes, label: str, *, name: str, but: Collection[str] = frozenset()
) -> Items | None:
    """The items of a file; None where the label is not that of rows, in one table alone.

    Nor are there any where a table has one of the labels `but`. `name` is what messages call the
    file.

    Raises:
        FormatError: A row is malformed; the message names the line.
    """
    numbers: dict[bytes, int] = {}
    tables: set[str] = set()
    rows, last = 0, 0
    for block in blocks_in(io.BytesIO(data), {label, *but}.__contains__, name=name):
        if not block.columns.keys().isdisjoint(but):
            return None
        tables.add(block.table)
        words = block.columns[label]
        rows, last = rows + len(words), block.line
        for word in words:
            numbers.setdefault(word, len(numbers))
    if len(tables) != 1 or (rows == 1 and _is_pair(data, last)):
        return None
    return Items(label=label, table=tables.pop(), numbers=numbers, rows=rows)


def with_items(data: bytes, items: Items, keeps: Callable[[int], bool], *, name: str) -> bytes:
    """The file with the rows of those items alone in the table; every other byte as it is.

    Where none is left it ends with the table, as what follows might be taken for its rows.

    Raises:
        FormatError: As `items_of` does.
    """
    kept = {value for value, number in items.numbers.items() if keeps(number)}
    return b"".join(_lines(data, items.label, kept, name))


def _lines(data: bytes, label: str, kept: set[bytes], name: str) -> Iterator[bytes]:
    """The lines that stay."""
    lines = iter(io.BytesIO(data))
    at = 1
    for block in blocks_in(io.BytesIO(data), label.__eq__, name=name):
        words = block.columns[label]
        yield from islice(lines, block.line - at)
        if not kept:
            return
        for word, line in zip(words, islice(lines, len(words)), strict=True):
            if word in kept:
                yield line
        at = block.line + len(words)
    yield from lines


def _is_pair(data: bytes, number: int) -> bool:
    """Whether on that line a label stands with its one value, in a table that has no rows."""
    line = next(islice(io.BytesIO(data), number - 1, None))
    return line.lstrip().startswith(b"_")
