"""What comes home of a job: made concrete when it is submitted, without a network."""

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.settings import Settings, environment
from cryoem_cloud.stores.sellers import seller_of

__all__ = ["HOMES", "home_of"]

HOMES = ("all", "essential")
"""What --home, a template's `home` and the settings may say."""


def home_of(said: str, settings: Settings, store: str) -> str:
    """As was `said` with the job, else by the settings, else by whether egress costs.

    Raises:
        UsageError: There is no such policy.
    """
    if said and said not in HOMES:
        raise UsageError(
            f"what comes home should be {' or '.join(HOMES)}, found {said!r}",
            hint="leave it empty to have it as your settings say",
        )
    costs = seller_of(store, env=environment())
    return said or settings.home or ("essential" if costs else "all")
