"""The applications there are: a dictionary to read, and what other packages bring.

Another package adds an application through the entry point group `cryoem_cloud.applications`.
"""

from collections.abc import Iterator, Mapping
from importlib import metadata
from pkgutil import resolve_name

from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.ports.application import Application, Asked

__all__ = ["APPLICATIONS", "application_for", "application_named", "names"]

GROUP = "cryoem_cloud.applications"

APPLICATIONS: Mapping[str, str] = {
    "relion": "cryoem_cloud.apps.relion:Relion",
    "shell": "cryoem_cloud.apps.shell:Shell",
}

_LAST = "shell"
"""It knows everything, so it is asked when nobody else knows."""


def names() -> tuple[str, ...]:
    """All names, in the order in which they are asked: ours, other packages', the shell."""
    return (*(name for name in _all() if name != _LAST), _LAST)


def application_named(name: str) -> Application:
    """The application of that name.

    Raises:
        NotFoundError: There is none.
    """
    known = _all()
    if name not in known:
        raise NotFoundError(
            f"there is no application {name!r} on this computer",
            hint=f"known are {', '.join(names())}; a package may be missing",
        )
    made: Application = resolve_name(known[name])()
    return made


def application_for(asked: Asked) -> Application:
    """The first application that knows what was asked."""
    return next(application for application in _asked_in_turn() if application.knows(asked))


def _asked_in_turn() -> Iterator[Application]:
    return (application_named(name) for name in names())


def _all() -> dict[str, str]:
    """Where each application's class lies; ours stand before those of other packages."""
    found = {entry.name: entry.value for entry in metadata.entry_points(group=GROUP)}
    others = {name: value for name, value in found.items() if name not in APPLICATIONS}
    return {**APPLICATIONS, **others}
