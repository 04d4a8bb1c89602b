"""Links among entries: where they lead, and what is named through them."""

import posixpath
from collections.abc import Iterable

from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.paths import HOME_ROOT

__all__ = ["MOST_LINKS", "Named", "inner_link", "leads_to"]

MOST_LINKS = 40
"""Links that lead to links, before we take them for a circle; as Linux does."""


def inner_link(path: str, to: str) -> Entry:
    """The entry of a link at `path` that leads to another path of the project."""
    return Entry(path=path, kind=Kind.LINK, target=HOME_ROOT + to)


def leads_to(link: Entry) -> str:
    """Where a link leads, as a path of the project ("." for itself); "" if outside of it."""
    if link.target.startswith(HOME_ROOT):
        target = link.target.removeprefix(HOME_ROOT)
    else:
        target = posixpath.join(posixpath.dirname(link.path), link.target)
    tidy = posixpath.normpath(target) if link.target else ".."
    return "" if tidy == ".." or tidy.startswith(("/", "../")) else tidy


class Named:
    """The paths of some entries, and every other name that links among them give to these."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._paths: set[str] = set()
        self._links: dict[str, str] = {}
        for entry in entries:
            self._paths.add(entry.path)
            if entry.kind is Kind.LINK:
                self._links[entry.path] = leads_to(entry)

    def __contains__(self, path: object) -> bool:
        """Whether the path names one of the entries."""
        return path in self._paths or (isinstance(path, str) and self._real(path) in self._paths)

    def _real(self, path: str) -> str:
        """The path with the links on the way followed; "" where they lead out or in a circle."""
        for _ in range(MOST_LINKS):
            ends = [at for at, sign in enumerate(path) if sign == "/"]
            link = next((path[:end] for end in [*ends, len(path)] if path[:end] in self._links), "")
            if not link:
                return path
            if not self._links[link]:
                return ""
            path = posixpath.normpath(self._links[link] + path[len(link) :])
        return ""
