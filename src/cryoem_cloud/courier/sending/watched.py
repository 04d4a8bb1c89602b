"""A view that notes which unfinished jobs' folders an application looks into."""

from collections.abc import Sequence
from typing import BinaryIO

from cryoem_cloud.apps.links import Links
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.ports.view import View

__all__ = ["Watched"]


class Watched:
    """A view of which it is known, afterwards, which of some folders were `touched`.

    Asking for what is not there touches a folder too: it may be there once its job has ended.
    """

    def __init__(self, view: View, folders: Sequence[str]) -> None:
        self._view = view
        self._links = Links(view)
        self._folders = tuple(folders)
        self.touched: set[str] = set()

    def kind(self, path: str) -> Kind | None:
        """See the port."""
        self._note(path)
        return self._view.kind(path)

    def open(self, path: str) -> BinaryIO:
        """See the port."""
        self._note(path)
        return self._view.open(path)

    def names(self, folder: str) -> Sequence[str]:
        """See the port."""
        self._note(folder)
        return self._view.names(folder)

    def link(self, path: str) -> str:
        """See the port."""
        return self._view.link(path)

    def _note(self, path: str) -> None:
        if len(self.touched) == len(self._folders):
            return
        names = {path, self._links.real(path)}
        for folder in self._folders:
            if any(is_below(name, folder) for name in names):
                self.touched.add(folder)
