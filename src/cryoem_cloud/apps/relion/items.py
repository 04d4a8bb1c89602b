"""What a script works through item by item, and what its items have made."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryoem_cloud.apps.patterns import is_pattern
from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.row import Made, Split, When
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.apps.star_items import Items, items_of
from cryoem_cloud.model.errors import FormatError, MissingInputError, RefusedError
from cryoem_cloud.model.paths import OUTSIDE, is_below
from cryoem_cloud.ports.view import View

__all__ = [
    "ItemFile",
    "Work",
    "files_of",
    "given",
    "items_in",
    "list_bytes",
    "stages",
    "why_whole",
    "work",
]

_TABLES = frozenset({"movies", "micrographs", "particles"})
"""Lists since 3.1 have one of these; RELION converts older ones, by their first image."""

_HARMLESS = frozenset(
    {"[", "test", "true", "source", ".", "set", "ulimit", "umask", "unset", "hostname", "date"}
)
"""Commands, beside those that read no file they name, that a piece may run as well."""
_ASSIGNMENT = re.compile(r"^\w+=")
_MAY_END_A_NAME = re.compile(r"[._]")


@dataclass(frozen=True, slots=True)
class Work:
    """The one command of a script that works item by item: its list, and where it writes."""

    call: Call
    split: Split
    list: str
    label: str
    folder: str


@dataclass(frozen=True, slots=True)
class ItemFile:
    """A file that an item has made: its path, the item's number, what follows the item's name."""

    path: str
    item: int
    ends: str


def work(script: str) -> Work | None:
    """What the script works through; None where it does so in no way that we are certain of."""
    try:
        commands = list(calls(script))
    except FormatError:
        return None
    programs = [call for call in commands if call.program is not None]
    if len(programs) != 1 or not all(map(_harmless, (c for c in commands if c not in programs))):
        return None
    call = programs[0]
    split = call.program.split if call.program else None
    if split is None or call.asks or not given(call, split.when):
        return None
    return _work(call, split)


def why_whole(script: str) -> str:
    """Why there is nothing that such a script works through, for users."""
    try:
        programs = [call for call in calls(script) if call.program is not None]
    except FormatError:
        programs = []
    if len(programs) != 1:
        return "its script is not one command of RELION's alone"
    (call,) = programs
    if call.program is None or call.program.split is None:
        return f"{call.name} works on all of its input together"
    return f"{call.name} is not cut as it is called here"


def _work(call: Call, split: Split) -> Work | None:
    word = call.value(split.option)
    folder = call.value(call.program.outputs[0].option) if call.program else None
    if word is None or not word.text.endswith(".star") or is_pattern(word.text):
        return None
    # Without the slash, MotionCorr of 3.1.3 and 4.0.1 does not find what is done.
    if folder is None or not folder.text.endswith("/"):
        return None
    try:
        path = names.placed(word.text, call.name)
        into = names.placed(folder.text, call.name)
    except RefusedError:
        return None
    if path.startswith(OUTSIDE) or into.startswith(OUTSIDE) or is_below(path, into):
        return None
    label = split.label
    for flag, other in split.labels.items():
        label = other if call.has(flag) else label
    return Work(call, split, path, label, into)


def _harmless(call: Call) -> bool:
    words = call.command.words
    return (
        not words
        or call.silent
        or call.name in _HARMLESS
        or _ASSIGNMENT.match(words[0].text) is not None
    )


def given(call: Call, when: When) -> bool:
    """Whether the flags are so; one whose value is a number that is not greater than 0 is not."""
    wanted = not when.flags or any(_gives(call, flag) for flag in when.flags)
    return wanted and not any(_gives(call, flag) for flag in when.but)


def _gives(call: Call, flag: str) -> bool:
    value = call.value(flag)
    if value is None:
        return call.has(flag)
    try:
        return float(value.text) > 0
    except ValueError:
        return True


def list_bytes(of: Work, view: View) -> bytes:
    """The list as it is.

    Raises:
        MissingInputError: It is not there.
    """
    try:
        with view.open(of.list) as file:
            return file.read()
    except OSError as error:
        asker = f"{of.call.name} {of.split.option}"
        raise MissingInputError(
            f"{of.list}, for which {asker} asks, cannot be read: {error.strerror}",
            hint="the job that makes it may not have run yet",
        ) from error


def items_in(of: Work, data: bytes) -> Items | None:
    """The items of the list; None where it is of a kind that we are not certain of.

    Nor are we where a file that one item makes has a name that might be another's.

    Raises:
        FormatError: It is malformed.
    """
    found = items_of(data, of.label, name=of.list, but=of.split.but)
    sure = found is not None and found.table in _TABLES and _are_told_apart(of, found)
    return found if sure else None


def _are_told_apart(of: Work, items: Items) -> bool:
    ends = [end for stage in stages(of) for end in stage]
    made = [(f"{root}{end}", item) for root, item in _roots(of, items) for end in ends]
    found = {file.path: file.item for file in files_of(of, items, (path for path, _ in made))}
    return all(found.get(path) == item for path, item in made)


def files_of(of: Work, items: Items, paths: Iterable[str]) -> Iterator[ItemFile]:
    """Those of the paths that are files of items; each belongs to the longest name that fits."""
    roots = dict(_roots(of, items))
    for path in paths:
        start = path.rfind("/") + 1
        for sign in reversed(list(_MAY_END_A_NAME.finditer(path, start))):
            item = roots.get(path[: sign.start()])
            if item is not None:
                yield ItemFile(path, item, path[sign.start() :])
                break


def _roots(of: Work, items: Items) -> Iterator[tuple[str, int]]:
    """What the names of an item's files start with, and its number."""
    for item, value in enumerate(items.names()):
        if of.split.whole:
            root = names.without_ending(value)
            roots = {root, root.replace(".", "_")}
        else:
            roots = {names.without_ending(names.without_job(value))}
        for root in roots:
            yield posixpath.normpath(f"{of.folder}/{root}"), item


def stages(of: Work) -> list[dict[str, Made]]:
    """The stages that the command goes through: what each makes of an item, by its ending."""
    called = (
        {_ends(of.call, made): made for made in stage if given(of.call, When(flags=made.flags))}
        for stage in of.split.stages
    )
    return [stage for stage in called if stage]


def _ends(call: Call, made: Made) -> str:
    word = call.value(made.named) if made.named else None
    return made.ends.format(word.text if word else made.default)
