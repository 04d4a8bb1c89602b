"""What RELION wrote into a job script: the commands.

The script itself is run by bash as it is; here it is only understood.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryoem_cloud.apps.bash import Command, Word, commands
from cryoem_cloud.apps.relion.programs import program
from cryoem_cloud.apps.relion.row import Output, Program, When

__all__ = ["CONTROLS", "Call", "calls", "job_folder", "looks_like_relion"]

_WHICH = re.compile(
    r"^(?:`\s*(?:which|command -v)\s+(?P<ticks>\S+?)\s*`"
    r"|\$\(\s*(?:which|command -v)\s+(?P<parens>\S+?)\s*\))$"
)
_PROGRAM = re.compile(r"^relion_\w+$|^model_angelo$")
_MENTION = re.compile(r"^[^#\n]*\brelion_[a-z]", re.MULTILINE)
_SPEAKING = frozenset({"echo", "printf", "rm", "touch", "mkdir", "cd", "module", "export", ":"})
"""Commands whose arguments are not read as files."""

SCRIPT_NAME = "run_submit.script"
CONTROLS = ("--pipeline_control", "--pipeline-control")
"""Options that name the job's folder."""


@dataclass(frozen=True, slots=True)
class Call:
    """A command of the script as we understand it.

    `program` is None where no RELION program is called; `at` is then 0, else the place of the
    program's word among the command's words.
    """

    command: Command
    at: int
    program: Program | None
    mpi: bool = False

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words behind the program's."""
        return self.command.words[self.at + 1 :]

    @property
    def may_name_files(self) -> tuple[Word, ...]:
        """The arguments, and the path of a program that is not RELION's: it may be the user's."""
        first = self.command.words[:1] if self.program is None else ()
        return (*(word for word in first if "/" in word.text), *self.arguments)

    @property
    def name(self) -> str:
        """The program's name as a user would say it."""
        words = self.command.words
        return (_called(words[self.at].text) or "the command") if words else ""

    @property
    def silent(self) -> bool:
        """Whether it is one of the commands that read no file they name."""
        return self.program is None and self.name in _SPEAKING

    def value(self, option: str) -> Word | None:
        """The word behind the option; of several, RELION takes the last.

        A number asks for the word of that place behind the program's name.
        """
        if option.isdigit():
            return next(iter(self.arguments[int(option) - 1 : int(option)]), None)
        found = None
        for place, word in enumerate(self.arguments[:-1]):
            if word.text == option:
                found = self.arguments[place + 1]
        return found

    def span(self, option: str) -> tuple[int, int] | None:
        """The range of the script that holds the option and its value, if it has one."""
        found = None
        for place, word in enumerate(self.arguments):
            if word.text == option:
                behind = self.arguments[place + 1 : place + 2]
                valued = bool(behind) and not behind[0].text.startswith("--")
                found = (word.start, behind[0].end if valued else word.end)
        return found

    def has(self, option: str) -> bool:
        """Whether the option or flag is given."""
        return any(word.text == option for word in self.arguments)

    def holds(self, when: When) -> bool:
        """Whether the flags are so."""
        wanted = not when.flags or any(map(self.has, when.flags))
        return wanted and not any(map(self.has, when.but))

    @property
    def asks(self) -> bool:
        """Whether the program only tells of itself."""
        return any(map(self.has, ("--version", "--help", "-h")))

    @property
    def controlled(self) -> bool:
        """Whether the program was told to leave exit markers."""
        return self.program is not None and any(self.has(control) for control in CONTROLS)


def calls(script: str) -> Iterator[Call]:
    """The script's commands in order.

    Raises:
        FormatError: The script is not bash; the message names the line.
    """
    for command in commands(script):
        yield _call(command)


def looks_like_relion(script: str, script_path: str) -> bool:
    """Whether RELION wrote the script, or it calls a program of RELION's. Never raises."""
    named = posixpath.basename(script_path) == SCRIPT_NAME
    return named or _MENTION.search(script) is not None


def job_folder(call: Call) -> str:
    """The folder that the program was told to write to, as written; "" if it was not told."""
    for control in CONTROLS:
        if (word := call.value(control)) is not None:
            return word.text
    if call.program is None:
        return ""
    for output in call.program.outputs:
        word = call.value(output.option)
        if word is not None and word.text:
            return _folder_of(output, word.text)
    return ""


def _folder_of(output: Output, value: str) -> str:
    return value if output.folder else posixpath.dirname(value) or "."


def _call(command: Command) -> Call:
    words = command.words
    if words and _called(words[0].text) not in _SPEAKING:
        for at, word in enumerate(words):
            name = _called(word.text)
            if _PROGRAM.match(name):
                return Call(command, at, program(name), mpi=name.endswith("_mpi"))
    return Call(command, 0, None)


def _called(text: str) -> str:
    """The name of the program that a word calls."""
    found = _WHICH.match(text)
    word: str = found["ticks"] or found["parens"] if found else text
    return posixpath.basename(word.rstrip("/")) or word
