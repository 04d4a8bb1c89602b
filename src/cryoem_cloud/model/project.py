"""A project: a folder of the user's, bound to a place in a store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryoem_cloud.model.record import decode, encode, text

__all__ = ["Project"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with an id of its own.

    `name` is the id: the folder's label and eight random hexadecimal digits; the project's keys
    start with it. `store` is the store's URL, `folder` where the project lies on this computer.
    """

    name: str
    store: str
    folder: Path

    def to_bytes(self) -> bytes:
        """As `project.json` in the store: what another computer may know."""
        return encode("project", {"name": self.name})

    @classmethod
    def from_bytes(cls, data: bytes, *, store: str, folder: Path) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is not a project.
        """
        fields: Mapping[str, object] = decode("project", data)
        return cls(name=text(fields, "name"), store=store, folder=folder)
