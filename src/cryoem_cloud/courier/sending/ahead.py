"""A project as it will be: what earlier jobs of a chain may make is there already, and empty."""

from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO

from cryoem_cloud.apps.links import Links
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.ports.view import View

__all__ = ["Ahead"]


class Ahead:
    """A view in which every path in some folders is a file, of which nothing is known yet.

    What an application finds in it are a job's needs apart from those in the folders, and from what
    files there will name.
    """

    def __init__(self, view: View, folders: Sequence[str]) -> None:
        self._view = view
        self._links = Links(view)
        self._folders = tuple(folder.rstrip("/") for folder in folders)

    def awaited(self, path: str) -> bool:
        """Whether a path is one of the folders or lies in them, also through links."""
        return self._is_made(path) or self._is_made(self._links.real(path))

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        found = self._view.kind(path)
        if found is Kind.FOLDER or not self.awaited(path):
            return found
        return Kind.FOLDER if path.rstrip("/") in self._folders else Kind.FILE

    def open(self, path: str) -> BinaryIO:
        """See the port; no bytes, of what is awaited."""
        return BytesIO() if self.awaited(path) else self._view.open(path)

    def names(self, folder: str) -> Sequence[str]:
        """See the port; none, in what is awaited."""
        return () if self.awaited(folder) else self._view.names(folder)

    def link(self, path: str) -> str:
        """See the port."""
        return self._view.link(path)

    def _is_made(self, path: str) -> bool:
        return any(is_below(path, folder) for folder in self._folders)
