"""What a pipeliner job would run, command by command, and which part of that is for machines."""

import json
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from cryoem_cloud.apps.relion.script import calls
from cryoem_cloud.model.errors import FormatError, RefusedError
from cryoem_cloud.model.record import JSON, decode, items, text

__all__ = ["KEEP_HERE", "Command", "Plan", "record_in"]

_SIGN = "CRYOEM "
"""What a line of our scripts' begins with; the pipeliner may print others."""
_TOOLS = frozenset({"rm"})
"""Programs that a machine has, and that may stand between two of RELION's."""
_VERSION = "--version"

KEEP_HERE = "choose Submit to queue: No, and it runs on this computer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: its words, whether it may fail, whether it is the user's Python."""

    words: tuple[str, ...]
    optional: bool = False
    python: bool = False

    @property
    def asks_version(self) -> bool:
        """Whether it only asks a program for its version, for the log."""
        return _VERSION in self.words and not self.python

    @property
    def program(self) -> int | None:
        """Which of the words names a program of RELION's; None where none does."""
        if self.python:
            return None
        call = next(calls(shlex.join(self.words)), None)
        return None if call is None or call.program is None else call.at

    @property
    def travels(self) -> bool:
        """Whether a machine can run it."""
        named = posixpath.basename(self.words[0])
        return self.program is not None or self.asks_version or named in _TOOLS

    @property
    def for_machines(self) -> tuple[str, ...]:
        """The words without this computer's places of programs."""
        programs = {0, self.program}
        return tuple(
            posixpath.basename(word) if at in programs else word
            for at, word in enumerate(self.words)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All commands of a job in order, as the pipeliner of that version says."""

    kind: str
    version: str
    moves: bool
    """Whether they are started in a folder of their own."""
    commands: tuple[Command, ...]

    @classmethod
    def from_record(cls, data: bytes) -> Self:
        """From what our script in the user's Python says.

        Raises:
            FormatError: It is no plan.
        """
        fields = decode("plan", data)
        return cls(
            kind=text(fields, "type"),
            version=text(fields, "version"),
            moves=fields.get("moves") is True,
            commands=tuple(map(_command, items(fields, "commands"))),
        )

    @property
    def span(self) -> tuple[int, int]:
        """The commands for machines: from the first, up to before the second of these places.

        What stands before is run at home before the inputs are sent, the rest once results are
        there.

        Raises:
            RefusedError: There are none, or others stand between them.
        """
        real = [n for n, c in enumerate(self.commands) if c.program is not None]
        if all(self.commands[n].asks_version for n in real):
            raise RefusedError(f"{self.kind} runs no program of RELION's", hint=KEEP_HERE)
        asks = [n for n, command in enumerate(self.commands) if command.asks_version]
        first, end = min(real + asks), max(real) + 1
        others = [c for c in self.commands[first:end] if not c.travels]
        if others or self.moves:
            what = shlex.join(others[0].words[:2]) if others else "a change of folder"
            raise RefusedError(
                f"{self.kind} needs {what} between programs of RELION's", hint=KEEP_HERE
            )
        return first, end


def record_in(said: str) -> bytes:
    """The record that one of our scripts has printed.

    Raises:
        FormatError: There is none.
    """
    for line in reversed(said.splitlines()):
        if line.startswith(_SIGN):
            return line.removeprefix(_SIGN).encode()
    raise FormatError("no line of ours in what was printed")


def _command(fields: JSON) -> Command:
    if not isinstance(fields, Mapping):
        raise FormatError(f"a command should be an object, found {json.dumps(fields):.100}")
    words = _words(items(fields, "words"))
    return Command(
        words=words,
        optional=fields.get("optional") is True,
        python=fields.get("python") is True,
    )


def _words(found: Sequence[JSON]) -> tuple[str, ...]:
    words = tuple(map(str, found))
    if not words:
        raise FormatError("a command has no words")
    return words
