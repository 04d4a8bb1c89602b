"""Who keeps the ledgers of what this process asks of stores."""

import secrets

from cryoem_cloud.model.usage import Tariff
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.recording import Recorder
from cryoem_cloud.wiring.storage import prices_of
from cryoem_cloud.wiring.stores import metered

__all__ = ["recorder"]


def recorder(program: str, places: Places, *, submitter: str = "") -> Recorder:
    """Of one run of a program; each run has a name of its own, as its counts begin at 0."""
    return Recorder(
        asker=f"{program}-{secrets.token_hex(8)}",
        metered=metered,
        tariff=lambda store: Tariff.of(prices_of(store, places)),
        submitter=submitter,
    )
