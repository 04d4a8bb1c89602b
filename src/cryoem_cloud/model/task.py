"""A task: what one machine works on at a time."""

from dataclasses import dataclass
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.record import JSON, decode, encode, items, text

__all__ = ["MAIN", "Task", "pack_from_bytes", "pack_to_bytes"]

MAIN = "main"
"""The name of the task of a job that is not split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A whole job, or a piece of one: a script and the inputs that it sees.

    `script` runs under bash in a folder that holds `inputs` under their own paths and nothing else
    of the project.
    """

    name: str
    script: str
    inputs: tuple[Entry, ...]

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "name": self.name,
            "script": self.script,
            "inputs": [entry.to_json() for entry in self.inputs],
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
        )


def pack_to_bytes(tasks: tuple[Task, ...]) -> bytes:
    """Up to 1,000 tasks as one object."""
    return encode("tasks", {"tasks": [task.to_json() for task in tasks]})


def pack_from_bytes(data: bytes) -> tuple[Task, ...]:
    """The tasks of a pack.

    Raises:
        FormatError: It is not a pack of tasks.
    """
    return tuple(Task.from_json(item) for item in items(decode("tasks", data), "tasks"))
