"""Classes of stored objects: cheaper places, from which some must be restored before being read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from cryoem_cloud.model.storage_prices import StorageClass

__all__ = ["Classes", "Kept", "Reach"]


class Reach(Enum):
    """Whether an object's bytes can be had. The values are words for people."""

    READABLE = "readable"
    RESTORED = "restored"
    """For a time: a copy lies where it can be read, besides."""
    RESTORING = "being restored"
    ARCHIVED = "archived"
    """It must be restored first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An object and where it is kept: `size` in bytes, `word` the store's own for its class.

    `tag` is a word for the bytes that are there now, and another one once they are replaced. In a
    listing `reach` is what its class allows: nothing is known there of restoring. `until` is when a
    restored copy goes, in the store's words; "" where there is none.
    """

    key: str
    size: int
    word: str
    tag: str = ""
    reach: Reach = Reach.READABLE
    until: str = ""
    at: datetime | None = None
    """When it was written or moved, by the store's clock; told in listings alone."""

    @property
    def kept(self) -> StorageClass | None:
        """Its class; None for one that we have no prices of."""
        known = {each.value: each for each in StorageClass}
        return known.get(self.word)


class Classes(Protocol):
    """Where objects are kept. Safe for threads. Errors are those of `ports.store.Store`."""

    def kept(self, key: str) -> Kept:
        """An object as it is now; one request.

        Raises:
            ObjectMissingError: There is no such object.
        """
        ...

    def list(self, prefix: str) -> Iterator[Kept]:
        """The objects whose keys start with `prefix`, in order of keys; a request for 1,000."""
        ...

    def move(self, key: str, to: StorageClass, *, tag: str) -> None:
        """Have the object kept in that class, if it still has the tag; its bytes stay.

        It is there and whole at all times, with the checksum of its whole bytes where it had one.
        Its tag may be another one afterwards. What is in that class already stays as it is.

        Raises:
            ObjectExistsError: Its bytes are others by now.
            ObjectMissingError: There is no such object.
            ArchivedError: It must be restored first.
            StoreError: The store has no such class.
        """
        ...

    def restore(self, key: str, *, days: int, bulk: bool) -> None:
        """Ask for a copy that can be read for so many days; in `bulk` it is slower and cheaper.

        On return the copy is on its way. For an object that can be read, or is being restored,
        nothing changes but how long a copy stays that is there.

        Raises:
            ObjectMissingError: There is no such object.
        """
        ...
