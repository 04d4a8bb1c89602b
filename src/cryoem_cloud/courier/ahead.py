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
        self._folders = tuple(folders)

    def promised(self, path: str) -> bool:
        """Whether a path lies in one of the folders, also through links."""
        return self._inside(path) or self._inside(self._links.real(path))

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        found = self._view.kind(path)
        if found is Kind.FOLDER or not self.promised(path):
            return found
        return Kind.FILE

    def open(self, path: str) -> BinaryIO:
        """See the port; nothing, of what is promised."""
        return BytesIO() if self.promised(path) else self._view.open(path)

    def names(self, folder: str) -> Sequence[str]:
        """See the port; none, in what is promised."""
        ours = self.promised(folder) or self._is_one(folder)
        return () if ours else self._view.names(folder)

    def link(self, path: str) -> str:
        """See the port."""
        return self._view.link(path)

    def _inside(self, path: str) -> bool:
        return any(is_below(path, folder) for folder in self._folders) and not self._is_one(path)

    def _is_one(self, path: str) -> bool:
        return path.rstrip("/") in {folder.rstrip("/") for folder in self._folders}
