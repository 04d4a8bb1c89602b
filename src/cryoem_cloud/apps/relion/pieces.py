"""How RELION's jobs are cut into pieces: by micrographs.

docs/explanation/pieces.md says how, program by program, and why RELION itself can join them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryoem_cloud.apps.files import files_below
from cryoem_cloud.apps.links import Links
from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.bulk import fitting, inside
from cryoem_cloud.apps.relion.edits import Edit, edited, with_option, without_flag
from cryoem_cloud.apps.relion.items import (
    Work,
    files_of,
    given,
    items_in,
    list_bytes,
    stages,
    why_whole,
    work,
)
from cryoem_cloud.apps.relion.lists import Lists
from cryoem_cloud.apps.relion.programs.reading import RESUME
from cryoem_cloud.apps.relion.readings import MICROGRAPH
from cryoem_cloud.apps.relion.row import Alike
from cryoem_cloud.apps.star_items import Items, with_items
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Cut, Finished, Uncut
from cryoem_cloud.ports.view import View

__all__ = ["cut", "in_vain", "joined", "seeded"]


def cut(job: Job, view: View) -> Cut | Uncut:
    """See the port: Application.cut."""
    of = work(job.script)
    if of is None:
        return Uncut(why_whole(job.script))
    if job.cwd != "." or of.split.pieces is None or not given(of.call, of.split.pieces):
        return Uncut(f"{of.call.name} is not cut as it is called here")
    whole = list_bytes(of, view)
    items = items_in(of, whole)
    if items is None or not items.numbers:
        return Uncut(f"{of.list} is no list that {of.call.name} is cut by")
    if of.split.alike is not None and not _are_alike(of, of.split.alike, items, view):
        return Uncut(f"not all {of.split.noun} of {of.list} are of one kind")
    left = _left(of, items, view)
    if isinstance(left, Uncut):
        return left
    return _cut(job, view, of, _Dealt(items, left, digest_of(whole)))


@dataclass(frozen=True, slots=True)
class _Dealt:
    """The items of a list with that digest, and the numbers of those that pieces work on."""

    items: Items
    left: Sequence[int]
    digest: str


def _cut(job: Job, view: View, of: Work, dealt: _Dealt) -> Cut:
    items, left = dealt.items, dealt.left

    def part(start: int, end: int) -> bytes:
        data = list_bytes(of, view)
        if digest_of(data) != dealt.digest:
            raise RefusedError(
                f"{of.list} changed while job {job.number} was being sent", hint="submit it again"
            )
        if (start, end) == (0, len(left)):
            return data
        return with_items(data, items, set(left[start:end]).__contains__, name=of.list)

    def script(start: int) -> str:
        flags = (RESUME, *of.split.alone)
        alone = (edit for flag in flags for edit in without_flag(of.call, flag))
        return edited(job.script, [*alone, *seeded(of, start)])

    return Cut(
        path=Links(view).real(of.list),
        items=len(left),
        noun=of.split.noun,
        seconds=of.split.seconds + of.split.row_seconds * items.rows / len(items.numbers),
        script=script,
        part=part,
    )


def _left(of: Work, items: Items, view: View) -> Sequence[int] | Uncut:
    """The items to deal out: of a job that goes on, those of which nothing is there.

    Of an item that has some files, RELION says whether it is done, when the pieces are joined.
    """
    everything = range(len(items.numbers))
    if not of.call.has(RESUME):
        return everything
    ends: dict[int, set[str]] = {}
    for file in files_of(of, items, files_below(view, of.folder)):
        ends.setdefault(file.item, set()).add(file.ends)
    left = [item for item in everything if item not in ends]
    if not left:
        return Uncut(
            f"it goes on with what it has done, and of all {of.split.noun} something is there"
        )
    made = {end for stage in stages(of) for end in stage}
    if of.split.seeds and not all(made <= found for found in ends.values()):
        return Uncut(f"it goes on with {of.split.noun} that are half done")
    return left


def seeded(of: Work, before: int) -> Iterator[Edit]:
    """Seeds as they are behind so many items; nothing where they do not grow from item to item."""
    option = of.split.seeds
    word = of.call.value(option) if option else None
    seed = word.text if word else "1"
    if option and before and seed.isdecimal():
        yield from with_option(of.call, option, str(int(seed) + before))


def joined(job: Job, paths: Iterable[str]) -> frozenset[str]:
    """See the port: Application.joined."""
    of = work(job.script)
    if of is None:
        return frozenset()
    return frozenset(fitting(of.split.joined, inside(paths, of.folder), ended=True))


def in_vain(job: Job, finished: Finished) -> bool:
    """Whether the job's program has done all items that it had, and none of them gave anything."""
    of = work(job.script)
    if of is None or not of.split.vain:
        return False
    said = (finished.tail_out, finished.tail_err)
    return any(re.search(of.split.vain, text, re.MULTILINE) for text in said)


def _are_alike(of: Work, alike: Alike, items: Items, view: View) -> bool:
    """Whether all items have such a file, and the same values in it."""
    word = of.call.value(alike.option)
    if word is None:
        return False
    asker = f"{of.call.name} {alike.option}"
    lists = Lists(view)
    files = {
        names.without_job(values[MICROGRAPH]): values[alike.column]
        for _, values in lists.rows(
            names.placed(word.text, asker), {MICROGRAPH, alike.column}.__contains__, asker
        )
        if values.keys() == {MICROGRAPH, alike.column}
    }
    found = [files.get(names.without_job(name)) for name in items.names()]
    there = [names.listed(path, asker) for path in found if path is not None]
    values = (_values(path, alike, lists, asker) for path in there)
    first = next(values, None)
    return len(there) == len(found) and all(one == first for one in values)


def _values(path: str, alike: Alike, lists: Lists, asker: str) -> tuple[str, ...]:
    """The values of the labels in a file, the first of each; "" for those that it has not."""
    found: dict[str, str] = {}
    for _, values in lists.rows(path, frozenset(alike.labels).__contains__, asker):
        found = {**values, **found}
        if len(found) == len(alike.labels):
            break
    return tuple(found.get(label, "") for label in alike.labels)
