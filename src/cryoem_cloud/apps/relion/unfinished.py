"""How programs that work micrograph by micrograph go on: they only do what is unfinished.

Where all is done they join what was made, so that this is also how pieces are joined.
"""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from pathlib import PurePosixPath

from cryoem_cloud.apps.files import files_below
from cryoem_cloud.apps.links import Links, along_links
from cryoem_cloud.apps.overlaid import Overlaid
from cryoem_cloud.apps.relion import closure
from cryoem_cloud.apps.relion.edits import Edit, edited, with_flag
from cryoem_cloud.apps.relion.items import (
    ItemFile,
    Work,
    files_of,
    items_in,
    list_bytes,
    stages,
    work,
)
from cryoem_cloud.apps.relion.pieces import joined, seeded
from cryoem_cloud.apps.relion.programs import UNKNOWN
from cryoem_cloud.apps.relion.programs.reading import RESUME
from cryoem_cloud.apps.relion.row import Made
from cryoem_cloud.apps.relion.whole import is_whole
from cryoem_cloud.apps.star_items import Items, with_items
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Resumed
from cryoem_cloud.ports.view import View

__all__ = ["finishes", "resumed", "seals"]


@dataclass(frozen=True, slots=True)
class _Done:
    """The files that stand, and the items that nothing is left to do for.

    Of these, those of `earlier` were done before the job began: their files are its inputs.
    """

    files: tuple[ItemFile, ...]
    items: frozenset[int]
    earlier: frozenset[int]


def resumed(job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
    """See the port: Application.resumed."""
    of = work(script)
    if of is None or job.cwd != ".":
        return None
    data = list_bytes(of, view)
    items = items_in(of, data)
    if items is None:
        return None
    made_now = set(made) - joined(job, made)
    done = _done(of, items, view, made=made_now, before=_earlier(of, view, made_now))
    if not done.files and not of.call.has(RESUME):
        return None
    goes_on = edited(script, [*with_flag(of.call, RESUME), *_seeds(of, items, done)])
    reads, tests = _wanted(of, done.files)
    left = with_items(data, items, lambda item: _matters(of, item, done), name=of.list)
    return Resumed(
        script=goes_on,
        reads=frozenset(reads),
        tests=frozenset(tests),
        stands=frozenset(file.path for file in done.files),
        idle=frozenset(
            _idle(replace(job, script=goes_on), view, {Links(view).real(of.list): left})
        ),
    )


def seals(job: Job, path: str) -> bool:
    """See the port: Application.seals. It is the file that an item writes last in a stage."""
    return path.endswith(_last(job.script))


def finishes(job: Job, path: str) -> bool:
    """Whether it is the file that an item writes last of all."""
    return path.endswith(_last(job.script)[-1:])


@lru_cache(maxsize=8)
def _last(script: str) -> tuple[str, ...]:
    """How the names of those files end; it is asked for each output."""
    of = work(script)
    return tuple(list(stage)[-1] for stage in stages(of)) if of else ()


def _earlier(of: Work, view: View, made: Collection[str]) -> list[str]:
    """What the job goes on with that was there before it."""
    if not of.call.has(RESUME):
        return []
    return [path for path in files_below(view, of.folder) if path not in made]


def _done(
    of: Work, items: Items, view: View, *, made: Iterable[str], before: Iterable[str]
) -> _Done:
    """What stands of the files made, and what is done with them and with those of before."""
    standing, whole = _standing(of, items, view, made)
    earlier = _standing(of, items, view, before)[1] - whole
    again = of.split.again_without
    if again and not of.call.has(again) and len(whole | earlier) == len(items.numbers) and whole:
        last = max(whole)
        whole.remove(last)
        del standing[last]
    files = tuple(file for files in standing.values() for file in files)
    return _Done(files, frozenset(whole | earlier), frozenset(earlier))


def _standing(
    of: Work, items: Items, view: View, made: Iterable[str]
) -> tuple[dict[int, list[ItemFile]], set[int]]:
    """The files of each item up to the last stage that it has passed, and who has passed all."""
    asked, names = stages(of), list(items.names())
    standing: dict[int, list[ItemFile]] = {}
    whole: set[int] = set()
    for item, files in _by_item(files_of(of, items, made)).items():
        there = {file.ends: file.path for file in files}
        its = [_of_item(names[item], stage) for stage in asked]
        passed = _passed(its, there, view)
        if passed:
            void = {ends for stage in asked[passed:] for ends in stage}
            standing[item] = [file for file in files if file.ends not in void]
        if passed and passed == len(asked):
            whole.add(item)
    return standing, whole


def _by_item(files: Iterable[ItemFile]) -> Mapping[int, list[ItemFile]]:
    found: dict[int, list[ItemFile]] = {}
    for file in files:
        found.setdefault(file.item, []).append(file)
    return found


def _of_item(name: str, stage: Mapping[str, Made]) -> dict[str, Made]:
    """What an item of that name makes in a stage."""
    dotted = "." in posixpath.dirname(name)
    return {ends: made for ends, made in stage.items() if not (made.undotted and dotted)}


def _passed(stages_: Iterable[Mapping[str, Made]], there: Mapping[str, str], view: View) -> int:
    """How many stages an item has passed, one after the other."""
    return sum(1 for _ in takewhile(lambda stage: _is_made(stage, there, view), stages_))


def _is_made(stage: Mapping[str, Made], there: Mapping[str, str], view: View) -> bool:
    """Whether an item has all files of a stage, and they are whole."""
    return stage.keys() <= there.keys() and all(
        is_whole(made, there[ends], view) for ends, made in stage.items()
    )


def _seeds(of: Work, items: Items, done: _Done) -> Iterator[Edit]:
    """Seeds as they would have been, where what is done came before all that is left."""
    now = done.items - done.earlier
    asked = [item for item in range(len(items.numbers)) if item not in done.earlier]
    if now == set(asked[: len(now)]):
        yield from seeded(of, len(now))


def _wanted(of: Work, files: Iterable[ItemFile]) -> tuple[set[str], set[str]]:
    """The files that the program reads where it goes on, and those that it only tests."""
    row = of.call.program or UNKNOWN
    read = [kept.pattern for kept in row.kept if kept.flag == RESUME and not kept.only_tests]
    tested = {ends for stage in stages(of) for ends in stage}
    reads, tests = set(), set()
    for file in files:
        name = PurePosixPath(posixpath.basename(file.path))
        if any(name.match(pattern) for pattern in read):
            reads.add(file.path)
        elif file.ends in tested:
            tests.add(file.path)
    return reads, tests


def _matters(of: Work, item: int, done: _Done) -> bool:
    """Whether the inputs of an item are still read."""
    return item not in done.items or (of.split.opens_first and item == 0)


def _idle(job: Job, view: View, left: Mapping[str, bytes]) -> Iterator[str]:
    """Inputs that nothing is read of once only the items on the list that is left matter.

    Lists are read all the same.
    """
    still = set(_read(job, view, Overlaid(view, left)))
    for path in _read(job, view, view):
        if path not in still and not path.endswith(".star"):
            yield path


def _read(job: Job, view: View, seen: View) -> Iterator[str]:
    for need in along_links(closure.needs(job, seen), view):
        if not need.stub and not need.target:
            yield need.path
