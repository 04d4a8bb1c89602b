"""The applications there are: a dictionary to read, and what other packages bring.

Another package adds an application through the entry point group `cryoem_cloud.applications`.
"""

from collections.abc import Iterator, Mapping
from importlib import metadata
from pkgutil import resolve_name

from cryoem_cloud.apps.guarded import guarded
from cryoem_cloud.model.errors import ApplicationError, NotFoundError
from cryoem_cloud.ports.application import Application, Asked

__all__ = ["APPLICATIONS", "application_for", "application_named", "broken", "names"]

GROUP = "cryoem_cloud.applications"

APPLICATIONS: Mapping[str, str] = {
    "relion": "cryoem_cloud.apps.relion:Relion",
    "shell": "cryoem_cloud.apps.shell:Shell",
}

_LAST = "shell"
"""It knows everything, so it is asked when nobody else knows."""

_OURS = "a bug of cryoem-cloud-tools: cryoem report"


def names() -> tuple[str, ...]:
    """All names, in the order in which they are asked: ours, other packages', the shell."""
    return (*(name for name in APPLICATIONS if name != _LAST), *_others(), _LAST)


def application_named(name: str) -> Application:
    """The application of that name; where it has a bug it raises ApplicationError.

    Raises:
        NotFoundError: There is none.
        ApplicationError: It cannot be loaded; the message names the package and the entry point.
    """
    if name in APPLICATIONS:
        ours: Application = resolve_name(APPLICATIONS[name])()
        return guarded(ours, remedy=_OURS)
    others = _others()
    if name not in others:
        raise NotFoundError(
            f"there is no application {name!r} on this computer",
            hint=f"known are {', '.join(names())}; a package may be missing",
        )
    return _loaded(others[name])


def application_for(asked: Asked) -> Application:
    """The first application that knows what was asked; those that cannot be loaded know nothing."""
    return next(application for application in _asked_in_turn() if application.knows(asked))


def broken() -> tuple[ApplicationError, ...]:
    """What is wrong with other packages' applications that cannot be loaded."""
    found: list[ApplicationError] = []
    for entry in _others().values():
        try:
            _loaded(entry)
        except ApplicationError as error:
            found.append(error)
    return tuple(found)


def _asked_in_turn() -> Iterator[Application]:
    for name in names():
        try:
            yield application_named(name)
        except ApplicationError:
            continue


def _others() -> dict[str, metadata.EntryPoint]:
    """Other packages' entry points, by name; ours stand before them."""
    found = {entry.name: entry for entry in metadata.entry_points(group=GROUP)}
    return {name: entry for name, entry in found.items() if name not in APPLICATIONS}


def _loaded(entry: metadata.EntryPoint) -> Application:
    package = entry.dist.name if entry.dist else "unknown"
    try:
        made: Application = resolve_name(entry.value)()
    except Exception as error:  # what is imported is other people's code
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ApplicationError(
            f"application {entry.name} ({entry.value}) of package {package} cannot be loaded: "
            f"{what}",
            hint=f"mend or remove it: pip uninstall {package}",
        ) from error
    return guarded(made, remedy=f"mend its package: {package}")
