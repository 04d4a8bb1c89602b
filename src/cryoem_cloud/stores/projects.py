"""What a store knows of a project, so that another computer finds it there."""

from contextlib import suppress

from cryoem_cloud.model.errors import ObjectExistsError
from cryoem_cloud.model.keys import project_key
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.store import Store

__all__ = ["make_known"]


def make_known(store: Store, project: Project) -> None:
    """See to it that the store knows the project; again is the same."""
    with suppress(ObjectExistsError):
        store.put(project_key(project.name), project.to_bytes(), if_absent=True)
