"""What goes on after a job: records of later jobs of a chain, beside the earlier one.

A machine whose job has ended well finds here what it needs to make the next job ready.
docs/reference/protocol.md has the rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from cryoem_cloud.model.errors import ObjectExistsError, ObjectMissingError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.keys import next_key
from cryoem_cloud.model.record import (
    decode,
    encode,
    integer,
    integers,
    items,
    text,
)
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.whole import reading

__all__ = ["Next", "nexts", "put_next"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """A job that goes on after others.

    `sources` are the earlier jobs of its chain that were not home when this was recorded: it may
    read what they make and what they read. `entries` are its inputs apart from those, in the store
    already; `offers` files that it gets only if something asks for them. `script` is the job's,
    adapted to its machines.
    """

    job: int
    sources: tuple[int, ...]
    script: str
    entries: tuple[Entry, ...]
    offers: tuple[Entry, ...] = ()

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "next",
            {
                "job": self.job,
                "sources": list(self.sources),
                "script": self.script,
                "entries": [entry.to_json() for entry in self.entries],
                "offers": [entry.to_json() for entry in self.offers],
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record.
        """
        fields = decode("next", data)
        return cls(
            job=integer(fields, "job"),
            sources=integers(fields, "sources"),
            script=text(fields, "script"),
            entries=tuple(Entry.from_json(item) for item in items(fields, "entries")),
            offers=tuple(Entry.from_json(item) for item in items(fields, "offers")),
        )


def nexts(store: Store, project: str, job: int) -> Iterator[Next]:
    """What goes on after a job, in the order of submission; a request each, and one more."""
    number = 1
    while True:
        key = next_key(project, job, number)
        try:
            data = store.get(key)
        except ObjectMissingError:
            return
        with reading(key):
            found = Next.from_bytes(data)
        yield found
        number += 1


def put_next(store: Store, project: str, job: int, later: Next) -> None:
    """Record that a job goes on after this one; once it is recorded, again is nothing."""
    number = 1
    while True:
        key = next_key(project, job, number)
        try:
            store.put(key, later.to_bytes(), if_absent=True)
        except ObjectExistsError:
            with reading(key):
                if Next.from_bytes(store.get(key)).job == later.job:
                    return
            number += 1
        else:
            return
