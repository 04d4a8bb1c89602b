"""How RELION's jobs are cut into pieces: by micrographs.

docs/explanation/pieces.md says how, program by program, and why RELION itself can join them.
"""

import re
from collections.abc import Iterable, Mapping

from cryoem_cloud.apps.links import Links
from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.bulk import fitting, inside
from cryoem_cloud.apps.relion.edits import Edit, edited, with_option, without_flag
from cryoem_cloud.apps.relion.items import Work, given, items_in, list_bytes, work
from cryoem_cloud.apps.relion.lists import Lists
from cryoem_cloud.apps.relion.programs.reading import RESUME
from cryoem_cloud.apps.relion.readings import MICROGRAPH
from cryoem_cloud.apps.relion.row import First, When
from cryoem_cloud.apps.star_items import Items, with_items
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Cut
from cryoem_cloud.ports.view import View

__all__ = ["cut", "joined"]

_NUMBER = re.compile(r"[0-9.eE+-]+")


def cut(job: Job, view: View) -> Cut | None:
    """See the port: Application.cut."""
    of = work(job.script)
    if of is None or job.cwd != "." or of.call.has(RESUME):
        return None
    if of.split.pieces is None or not given(of.call, of.split.pieces):
        return None
    items = items_in(of, list_bytes(of, view))
    if items is None or not items.numbers:
        return None
    edits = [edit for flag in of.split.alone for edit in without_flag(of.call, flag)]
    if of.split.first is not None:
        told = _told(of, of.split.first, items, view)
        if told is None:
            return None
        edits += told

    def part(start: int, end: int) -> bytes:
        data = list_bytes(of, view)
        return with_items(data, items, range(start, end).__contains__, name=of.list)

    count = len(items.numbers)
    return Cut(
        path=Links(view).real(of.list),
        items=count,
        noun=of.split.noun,
        seconds=of.split.seconds + of.split.row_seconds * items.rows / count,
        script=edited(job.script, edits),
        part=part,
    )


def joined(job: Job, paths: Iterable[str]) -> frozenset[str]:
    """See the port: Application.joined."""
    of = work(job.script)
    if of is None:
        return frozenset()
    return frozenset(fitting(of.split.joined, inside(paths, of.folder), ended=True))


def _told(of: Work, first: First, items: Items, view: View) -> list[Edit] | None:
    """What pieces are told of the whole list's first item; None where that is not to be found."""
    missing = {
        option: label
        for option, label in first.values.items()
        if not given(of.call, When(flags=(option,)))
    }
    if not missing:
        return []
    values = _values_of(_first_file(of, first, items, view), missing.values(), view)
    if not all(_NUMBER.fullmatch(values.get(label, "")) for label in missing.values()):
        return None
    return [
        edit
        for option, label in missing.items()
        for edit in with_option(of.call, option, values[label])
    ]


def _first_file(of: Work, first: First, items: Items, view: View) -> str:
    """The file of the first item that has one, in the order of the items' names; "" if none has."""
    word = of.call.value(first.option)
    if word is None:
        return ""
    asker = f"{of.call.name} {first.option}"
    files = {
        names.without_job(values[MICROGRAPH]): values[first.column]
        for _, values in Lists(view).rows(
            names.placed(word.text, asker), {MICROGRAPH, first.column}.__contains__, asker
        )
        if values.keys() >= {MICROGRAPH, first.column}
    }
    for item in sorted(items.numbers):
        found = files.get(names.without_job(item.decode("utf-8", "surrogateescape")))
        if found is not None:
            return names.listed(found, asker)
    return ""


def _values_of(path: str, labels: Iterable[str], view: View) -> Mapping[str, str]:
    """The values of these labels in a file, the first of each."""
    found: dict[str, str] = {}
    if path:
        for _, values in Lists(view).rows(path, frozenset(labels).__contains__, path):
            found = {**values, **found}
    return found
