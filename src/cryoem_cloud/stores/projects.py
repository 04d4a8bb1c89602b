"""What a store knows of a project, so that another computer finds it there."""

from cryoem_cloud.model.errors import ObjectExistsError, ObjectMissingError, RefusedError
from cryoem_cloud.model.keys import moved_key, project_key
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import decode, encode, text
from cryoem_cloud.ports.store import Store

__all__ = ["make_known", "mark_moved", "mark_returned", "moved_to"]


def make_known(store: Store, project: Project) -> None:
    """See to it that the store knows the project; again is the same.

    Raises:
        RefusedError: The project has been moved to another store.
    """
    try:
        store.put(project_key(project.name), project.to_bytes(), if_absent=True)
    except ObjectExistsError:
        if where := moved_to(store, project.name):
            raise RefusedError(
                f"the project {project.name} has been moved to {where}",
                hint=f"in its folder: cryoem project attach {where} {project.name}",
            ) from None


def moved_to(store: Store, project: str) -> str:
    """The URL of the store to which a project has gone from this one; "": it has not."""
    try:
        return text(decode("moved", store.get(moved_key(project))), "store")
    except ObjectMissingError:
        return ""


def mark_moved(store: Store, project: str, to: str) -> None:
    """Let everybody who comes here for the project know where it is."""
    store.put(moved_key(project), encode("moved", {"store": to}))


def mark_returned(store: Store, project: str) -> None:
    """Let everybody know that the project is here, wherever it was meanwhile."""
    store.delete(moved_key(project))
