"""Whether a script says plainly what RELION's programs in it read and write.

We read a script and do not run it: what a variable or a substitution will be is not known, and
names count from the folder in which the script is started.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from cryoem_cloud.apps.bash import Word
from cryoem_cloud.apps.relion.programs import UNKNOWN
from cryoem_cloud.apps.relion.readings import readings
from cryoem_cloud.apps.relion.script import CONTROLS, Call, calls
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.ports.application import Asked

__all__ = ["require_plain"]

_MOVES = frozenset({"cd", "pushd", "popd"})
_LITERAL = re.compile(r"'[^']*'|\\.", re.DOTALL)
_EXPANDS = re.compile(r"[$`]")
_STAYS = re.compile(r"\$PWD|\$\{PWD\}|\$\(pwd\)|`pwd`")
_NOWHERE = ""
"""A folder that is not known before the script runs."""
_INSTEAD = (
    "or put the lines into a file of their own, and: cryoem run --in … --out … -- bash THE-FILE"
)


def require_plain(asked: Asked) -> None:
    """See to it that files which RELION's programs are given can be found by their names.

    Raises:
        UsageError: One is named by a variable or a substitution, or from another folder than the
            project's; the message names the word and its line.
        FormatError: The script is not bash.
    """
    here = posixpath.normpath(asked.cwd)
    moved: tuple[Word, ...] = ()
    for call in calls(asked.script):
        words = call.command.words
        if words and words[0].text in _MOVES:
            here, moved = _folder_after(words, here), words
        elif call.program is not None and call.program is not UNKNOWN:
            _require_here(call, here, moved, asked.script)
            _require_named(call, asked.script)


def _folder_after(words: tuple[Word, ...], before: str) -> str:
    """The folder that `cd` and its like lead to; _NOWHERE where that cannot be said."""
    target = words[1].text if len(words) > 1 and words[0].text != "popd" else ""
    if _STAYS.fullmatch(target):
        return before
    if before == _NOWHERE or target[:1] in {"", "/", "~", "-"} or _EXPANDS.search(target):
        return _NOWHERE
    return posixpath.normpath(posixpath.join(before, target))


def _require_here(call: Call, here: str, moved: tuple[Word, ...], script: str) -> None:
    if here == ".":
        return
    if not moved:
        raise UsageError(
            f"{call.name} would run in {here}, and RELION's programs name files from the project's "
            "top folder",
            hint="go there, and name files from there",
        )
    written = script[moved[0].start : moved[-1].end]
    raise UsageError(
        f"the script's line {_line(script, moved[0])}: after {written} {call.name} would name its "
        "files from another folder",
        hint=f"leave it out and name files from the project's top folder; {_INSTEAD}",
    )


def _require_named(call: Call, script: str) -> None:
    for option, word in _files(call):
        written = script[word.start : word.end]
        if _EXPANDS.search(_LITERAL.sub("", written)):
            raise UsageError(
                f"the script's line {_line(script, word)}: {call.name} is given {option} "
                f"{written}, and which file that is would be known only once the script runs",
                hint=f"write the name itself, a line for each file; {_INSTEAD}",
            )


def _files(call: Call) -> Iterator[tuple[str, Word]]:
    """The options that name files or folders, with their values."""
    outputs = (output.option for output in call.program.outputs) if call.program else ()
    options: Iterable[str] = (*readings(call), *outputs, *CONTROLS)
    for option in dict.fromkeys(options):
        word = call.value(option)
        if word is not None:
            yield option, word


def _line(script: str, word: Word) -> int:
    return script.count("\n", 0, word.start) + 1
