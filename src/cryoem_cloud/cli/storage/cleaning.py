"""What a store need not keep: decided of what is known of its objects, jobs and files."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property

from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.paths import LONG, is_below
from cryoem_cloud.ports.classes import Kept

__all__ = ["Known", "Made", "Offer", "What", "live_keys", "offers"]

_OUTPUT = re.compile(r"jobs/(\d{8,})/out/[^/]+/\d+/(.+)")
_JOB = re.compile(r"jobs/(\d{8,})/")
_VERSIONED = ("mirror/", "bundles/")


class What(Enum):
    """Why something need not be kept; what goes without a name first. Words for people."""

    LEFTOVER = "leftovers of machines"
    MADE_AGAIN = "can be made again"
    TRASHED = "of a job in the trash"
    DELETED = "of a job deleted here"
    VERSION = "older versions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A job that has ended well: its folder, and of its outputs what stays where that costs.

    `again`: what it read is still there. `place`: where its folder is now, if not in its place.
    `newest` is when it made the last of its outputs.
    """

    number: int
    folder: str
    outputs: tuple[str, ...]
    bulk: frozenset[str]
    again: bool
    newest: datetime
    place: What | None = None
    readers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known: objects by key relative to the project, the index's last words, jobs.

    `before`: only what is older is offered. `named` says whether the user means a path, `all_`
    that they named none.
    """

    objects: Mapping[str, Kept]
    files: Mapping[str, Entry]
    jobs: Sequence[Made]
    before: datetime
    named: Callable[[str], bool]
    all_: bool
    versions: bool

    @cached_property
    def holding(self) -> Counter[str]:
        """How many files each object holds, by key."""
        return Counter(map(_key, self.files.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Objects that need not be kept, and the files that the index would lose with them.

    `chosen`: the user has named them, or need not.
    """

    what: What
    folder: str
    objects: tuple[Kept, ...]
    entries: tuple[Entry, ...] = ()
    readers: tuple[str, ...] = ()
    chosen: bool = False

    @property
    def size(self) -> int:
        """Bytes of the objects."""
        return sum(each.size for each in self.objects)


def live_keys(files: Iterable[Entry]) -> set[str]:
    """The keys without which some of the files cannot be read."""
    contents = [entry.content for entry in files if entry.content]
    return {each.key for each in contents} | {each.gain for each in contents if each.gain}


def offers(known: Known) -> list[Offer]:
    """All of them, in the order of What."""
    live = live_keys(known.files.values())
    old = [made for made in known.jobs if made.newest < known.before]
    found = [*_leftovers(known, old, live), *_of_jobs(known, old), *_versions(known, live)]
    order = list(What)
    return sorted(found, key=lambda offer: (order.index(offer.what), offer.folder))


def _leftovers(known: Known, old: Sequence[Made], live: set[str]) -> Iterator[Offer]:
    """What machines have sent that no file is, of jobs that have ended well.

    The lists of outputs and the logs that lie beside stay: the index names them.
    """
    by_job: dict[int, list[Kept]] = defaultdict(list)
    for key, kept in known.objects.items():
        found = _OUTPUT.fullmatch(key)
        if found and key not in live and _is_file(found[2]):
            by_job[int(found[1])].append(kept)
    for made in old:
        if objects := by_job.get(made.number):
            yield Offer(
                what=What.LEFTOVER,
                folder=made.folder,
                objects=tuple(objects),
                chosen=known.all_ or known.named(made.folder),
            )


def _is_file(name: str) -> bool:
    return not name.startswith("@") or name.startswith(LONG)


def _of_jobs(known: Known, old: Sequence[Made]) -> Iterator[Offer]:
    """Outputs that jobs would make again, and those of jobs that the user has thrown away."""
    mine: dict[int, list[Entry]] = defaultdict(list)
    for entry in known.files.values():
        if entry.content and (found := _JOB.match(entry.content.key)):
            mine[int(found[1])].append(entry)
    for made in old:
        below = [e for e in mine[made.number] if _is_in(made.outputs, e.path)]
        if made.place is None:
            if made.again:
                bulk = [entry for entry in below if entry.path in made.bulk]
                yield from _offered(known, What.MADE_AGAIN, made, bulk)
        else:
            yield from _offered(known, made.place, made, below)


def _offered(known: Known, what: What, made: Made, entries: Sequence[Entry]) -> Iterator[Offer]:
    """An offer of what was named of the entries, and one of the rest."""
    named = [entry for entry in entries if not known.all_ and known.named(entry.path)]
    paths = {entry.path for entry in named}
    rest = [entry for entry in entries if entry.path not in paths]
    for some, chosen in ((named, True), (rest, False)):
        objects = _held_only(known, some)
        if objects:
            yield Offer(
                what=what,
                folder=made.folder,
                objects=objects,
                entries=tuple(some),
                readers=made.readers,
                chosen=chosen,
            )


def _held_only(known: Known, gone: Sequence[Entry]) -> tuple[Kept, ...]:
    """The objects that hold some of these files, and no other; journals stay."""
    going = Counter(_key(entry) for entry in gone)
    return tuple(
        known.objects[key]
        for key, number in sorted(going.items())
        if number == known.holding[key] and key in known.objects and _OUTPUT.match(key)
    )


def _key(entry: Entry) -> str:
    return entry.content.key if entry.content else ""


def _versions(known: Known, live: set[str]) -> Iterator[Offer]:
    """What was sent and is no file any more. Where the store tells no age it may be on its way."""
    found = [
        kept
        for key, kept in known.objects.items()
        if key.startswith(_VERSIONED) and key not in live and kept.at and kept.at < known.before
    ]
    if found:
        yield Offer(
            what=What.VERSION,
            folder="-",
            objects=tuple(found),
            chosen=known.versions,
        )


def _is_in(folders: Sequence[str], path: str) -> bool:
    return any(is_below(path, folder) for folder in folders)
