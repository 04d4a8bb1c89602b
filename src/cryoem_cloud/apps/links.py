"""Links in a project: RELION's aliases of jobs, and what users link into it."""

import posixpath

from cryoem_cloud.ports.view import View

__all__ = ["Links"]

_MOST_LINKS = 40
"""Links that lead to links, before we take them for a circle; as Linux does."""


class Links:
    """Follows the links of a view; remembers where folders lead."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._folders: dict[str, str] = {"": ""}

    def real(self, path: str) -> str:
        """The path with all links followed: one name for each file and folder.

        A path of the project ("" for the project itself), or `@abs/…`. Of links that lead in a
        circle, one of them.
        """
        tidy = posixpath.normpath(path)
        return "" if tidy == "." else self._real(tidy, _MOST_LINKS)

    def _real(self, path: str, links: int) -> str:
        folder, name = posixpath.split(path)
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._real(folder, links)
        here = posixpath.join(known, name)
        target = self._view.link(here) if links else ""
        if not target:
            return here
        tidy = posixpath.normpath(target)
        return "" if tidy == "." else self._real(tidy, links - 1)
