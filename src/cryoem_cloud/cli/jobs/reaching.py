"""Whether a provider's machines reach a project's store: said before anything is sent."""

from cryoem_cloud.cli.jobs.entering import require_door
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.project import Project
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.settings import Places

__all__ = ["require_reach"]


def require_reach(where: str, wish: Wish, project: Project, places: Places) -> None:
    """See to it that machines from there can work for the project, and be entered as is wished.

    Raises:
        SettingsError: They are an account's, and this user has joined none.
        UsageError: They reach another store than the project's, or let nobody in.
    """
    require_door(wish.door, where, lambda: Account.read(places.config, project.store))
    if where != "aws":
        return
    theirs = Account.read(places.config, project.store).store.rstrip("/")
    if project.store.rstrip("/") != theirs:
        raise UsageError(
            f"machines at AWS reach the store {theirs} alone, and this project is in "
            f"{project.store}",
            hint=f"cryoem project fork --store {theirs}",
        )
