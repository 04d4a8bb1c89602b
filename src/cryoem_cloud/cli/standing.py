"""Where the user stands: in which project, and what a path means there. Imports little."""

from contextlib import suppress
from pathlib import Path

from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.known.stores_used import StoresUsed
from cryoem_cloud.model.errors import NotFoundError, UsageError
from cryoem_cloud.model.paths import normal
from cryoem_cloud.model.project import Project
from cryoem_cloud.settings import Places, environment

__all__ = ["beginning", "current_project", "inside", "places", "the_project"]


def places() -> Places:
    """Where things are on this computer."""
    return Places.read(environment())


def current_project() -> Project | None:
    """The project that the current folder is in; where it has moved, its jobs hear of that."""
    folder = projects.find_folder(Path.cwd())
    if folder is None:
        return None
    here = places()
    project = projects.open_project(folder, StoresUsed(here.state / "projects"))
    if any((here.state / "spool").glob("*.slip")):
        from cryoem_cloud.courier.known.spool import Spool  # noqa: PLC0415  (only where there are jobs)

        Spool(here.state / "spool").follow(project)
    if any((here.state / "jobs").glob(f"*.{project.name}.json")):
        from cryoem_cloud.courier.known.cards import Cards  # noqa: PLC0415  (the same)

        Cards(here.state / "jobs").follow(project)
    return project


def the_project() -> Project:
    """The project that the current folder is in.

    Raises:
        NotFoundError: It is in none.
    """
    project = current_project()
    if project is None:
        raise NotFoundError(
            f"{Path.cwd()} is in no project", hint="go to its folder, or: cryoem connect relion"
        )
    return project


def inside(project: Project, path: str) -> str:
    """A path that the user named from where they stand, relative to the project.

    Raises:
        UsageError: It is empty, or lies outside the project.
    """
    if not path:
        raise UsageError("a path is empty", hint="is a variable of your shell not set?")
    whole = Path.cwd().resolve() / path
    for folder in (whole, whole.parent.resolve() / whole.name):
        with suppress(ValueError):
            return str(folder.relative_to(project.folder))
    raise UsageError(
        f"{path} lies outside the project {project.folder}",
        hint="name a path inside it; a link to the data may stand there",
    )


def beginning(project: Project, prefix: str) -> str:
    """How paths in the project begin that begin so from where the user stands; "" for all.

    Raises:
        UsageError: It lies outside the project.
    """
    if not prefix:
        return ""
    named = normal(inside(project, prefix))
    if named == ".":
        return ""
    return f"{named}/" if prefix.endswith("/") else named
