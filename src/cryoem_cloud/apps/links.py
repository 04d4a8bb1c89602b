"""Links in a project: RELION's aliases of jobs, and what users link into it."""

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import replace

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.links import MOST_LINKS
from cryoem_cloud.model.paths import OUTSIDE
from cryoem_cloud.ports.view import View

__all__ = ["Links", "aliases", "along_links"]


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
        return "" if tidy == "." else self._real(tidy, MOST_LINKS)

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


def along_links(needs: Iterable[Need], view: View) -> Iterator[Need]:
    """The needs under the paths where they really lie, after the links that lead there.

    A link to another place in the project is given as a need of its own, with a target, so that a
    machine has it too and the bytes travel once. What is linked into the project from outside
    travels under the link's name.

    Raises:
        RefusedError: Links lead in a circle; the message names one and who asks for it.
    """
    inner = _Inner(view)
    given: set[str] = set()
    for need in needs:
        path, links = inner.followed(need)
        for link in links:
            if link.path not in given:
                given.add(link.path)
                yield link
        if not links:
            yield need
        else:
            by = f"{need.asked_by}, by the link {links[0].path},"
            yield replace(need, path=path, asked_by=by)


def aliases(view: View, folder: str) -> tuple[str, ...]:
    """The links beside a folder that lead to it, as RELION's aliases of jobs do."""
    tidy = posixpath.normpath(folder)
    beside = posixpath.dirname(tidy)
    names = (posixpath.join(beside, name) for name in view.names(beside or "."))
    return tuple(path for path in names if view.link(path).rstrip("/") == tidy)


class _Inner:
    """Follows the links that lead from one place in the project to another."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._links = Links(view)
        self._folders: dict[str, tuple[str, tuple[Need, ...]]] = {"": ("", ())}

    def followed(self, need: Need) -> tuple[str, tuple[Need, ...]]:
        """Where a need really lies, and the links on the way; outside links are no links here."""
        if need.path.startswith(OUTSIDE):
            return need.path, ()
        return self._followed(need.path, need)

    def _followed(self, path: str, need: Need) -> tuple[str, tuple[Need, ...]]:
        folder, name = posixpath.split(path)
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = self._followed(folder, need)
        here = posixpath.join(known[0], name)
        target = self._view.link(here)
        if not target:
            return here, known[1]
        real = self._links.real(here)
        if self._view.link(real):
            raise RefusedError(
                f"{here} is a link that leads back to itself; {need.asked_by} asks for it",
                hint="remove the link, or make it lead to a file; then submit again",
            )
        if real.startswith(OUTSIDE):
            return here, known[1]
        link = Need(path=here, target=real or ".", asked_by=need.asked_by)
        return real, (*known[1], link)
