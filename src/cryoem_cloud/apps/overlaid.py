"""A project in which some files have other bytes than they have."""

import io
import os
import posixpath
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from cryoem_cloud.apps.links import Links
from cryoem_cloud.model.file import Kind
from cryoem_cloud.ports.view import View

__all__ = ["Overlaid"]


class Overlaid:
    """See ports.view: another view, but that the files of `bytes_of` hold these bytes.

    Their paths are those where they really lie; links that lead to them lead to these bytes. A file
    that the other view does not have is there all the same.
    """

    def __init__(self, view: View, bytes_of: Mapping[str, bytes]) -> None:
        self._view = view
        self._bytes = {posixpath.normpath(path): data for path, data in bytes_of.items()}
        self._links = Links(view)

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        return Kind.FILE if self._links.real(path) in self._bytes else self._view.kind(path)

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        data = self._bytes.get(self._links.real(path))
        return self._view.open(path) if data is None else io.BytesIO(data)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        found = self._view.names(folder)
        real = self._links.real(folder)
        there = (posixpath.split(path) for path in self._bytes)
        more = {name for place, name in there if place == real}.difference(found)
        return sorted(more.union(found), key=os.fsencode) if more else found

    def link(self, path: str) -> str:
        """See the port."""
        return "" if posixpath.normpath(path) in self._bytes else self._view.link(path)
