"""A task: what one machine works on at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.record import JSON, decode, encode, integer, integers, items, text

__all__ = [
    "GOES_ON",
    "MAIN",
    "Ready",
    "Task",
    "on_one_machine",
    "pack_from_bytes",
    "pack_to_bytes",
    "piece_name",
]

MAIN = "main"
"""The task whose end is the job's: all of it or, of a job in pieces, what joins them."""

GOES_ON = "it goes on after another job, on that one's machine"
"""Why a later job of a chain is not cut."""

_PIECES = 2
"""The version of records that tell of pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A whole job, or a piece of one: a script and the inputs that it sees.

    `script` runs under bash in a folder that holds `inputs` under their own paths and nothing else
    of the project. Of a piece `title` says to people which one it is, and `items` which of the
    list's items it has: from the first number on (from 0), up to the second, without that. A task
    that `joins` goes on from what all other tasks have made, once these have ended well. `remark`
    is what the job's log begins with ("": none). `at_home` is the version of the programs of
    the application on the submitter's computer ("": not known, or the machine is that computer).
    """

    name: str
    script: str
    inputs: tuple[Entry, ...]
    title: str = ""
    items: tuple[int, int] = (0, 0)
    joins: bool = False
    remark: str = ""
    at_home: str = ""

    @property
    def is_piece(self) -> bool:
        """Whether it is a part of its job only."""
        return self.name != MAIN

    @property
    def size(self) -> int:
        """How many items a piece has."""
        first, last = self.items
        return last - first

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "name": self.name,
            "script": self.script,
            "inputs": [entry.to_json() for entry in self.inputs],
            **({"title": self.title} if self.title else {}),
            **({"items": list(self.items)} if any(self.items) else {}),
            **({"joins": True} if self.joins else {}),
            **({"remark": self.remark} if self.remark else {}),
            **({"at_home": self.at_home} if self.at_home else {}),
        }

    @classmethod
    def from_json(cls, fields: JSON) -> Self:
        """From JSON.

        Raises:
            FormatError: It is not a task.
        """
        if not isinstance(fields, dict):
            raise FormatError(f"a task should be an object, found {fields!r:.80}")
        return cls(
            name=text(fields, "name"),
            script=text(fields, "script"),
            inputs=tuple(Entry.from_json(item) for item in items(fields, "inputs")),
            title=text(fields, "title", ""),
            items=_items(fields),
            joins=bool(fields.get("joins", False)),
            remark=text(fields, "remark", ""),
            at_home=text(fields, "at_home", ""),
        )


def _items(fields: Mapping[str, JSON]) -> tuple[int, int]:
    found = integers(fields, "items")
    if len(found) not in {0, 2}:
        raise FormatError(f"a task's items should be two numbers, found {found!r:.80}")
    return (found[0], found[1]) if found else (0, 0)


@dataclass(frozen=True, slots=True)
class Ready:
    """How many tasks may be taken, of how many there will be; 0 of 0 before that is known."""

    count: int = 0
    of: int = 0

    @property
    def whole(self) -> bool:
        """Whether all tasks may be taken."""
        return 0 < self.of == self.count

    def to_bytes(self) -> bytes:
        """As it is stored."""
        if self.count == self.of:
            return encode("ready", {"count": self.count})
        return encode("ready", {"count": self.count, "of": self.of}, version=_PIECES)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record.
        """
        fields = decode("ready", data)
        count = integer(fields, "count")
        return cls(count, integer(fields, "of", count))


def on_one_machine(why: str) -> str:
    """The remark of a job that several machines were to share and do not; "" where `why` is."""
    return f"cryoem: runs on one machine: {why}" if why else ""


def piece_name(number: int) -> str:
    """The name of a job's piece, counted from 1."""
    return f"{number:06d}"


def pack_to_bytes(tasks: tuple[Task, ...]) -> bytes:
    """Some tasks as one object."""
    version = 1 if all(task.name == MAIN and not task.joins for task in tasks) else _PIECES
    return encode("tasks", {"tasks": [task.to_json() for task in tasks]}, version=version)


def pack_from_bytes(data: bytes) -> tuple[Task, ...]:
    """The tasks of a pack.

    Raises:
        FormatError: It is not a pack of tasks.
    """
    return tuple(Task.from_json(item) for item in items(decode("tasks", data), "tasks"))
