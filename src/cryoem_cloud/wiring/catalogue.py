"""The catalogue of this computer: the package's, and what AWS answered of late before it.

Imports no SDK: whoever asks AWS is in `wiring/market`.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cryoem_cloud.model.answers import Answers, Part
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import decode
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.planner.catalog.catalogue import Catalogue, snapshot
from cryoem_cloud.providers.aws.account import accounts
from cryoem_cloud.settings import Places, Settings, environment

__all__ = ["KIND", "catalogue", "file_of", "kept", "region_here"]

KIND = "offers"
"""Of the records in the cache."""
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+")
_FIRST = tables.REGIONS[0]


def catalogue(
    places: Places, now: datetime, *, regions: Iterable[str] = (), project: Path | None = None
) -> Catalogue:
    """Of the regions, or of all where none is named, at the prices that this user pays.

    Raises:
        UsageError: There is nothing of a region.
        SettingsError: The discount in the settings is off.
    """
    found = Catalogue(day=tables.DAY, listings=())
    for region in tuple(regions) or tables.REGIONS:
        here = snapshot(region) if region in tables.REGIONS else found.only(region)
        here = here.renewed(kept(places, region), now)
        if not here.listings:
            raise tables.unknown_region(region)
        found = found.beside(here)
    return found.discounted(Settings.read(places, project, environment()).price_factor)


def region_here(places: Places) -> str:
    """Where this user's machines are: the account's that was joined last, or the environment's.

    Without either it is the first of the catalogue.
    """
    for account in accounts(places.config):
        return account.region
    env = environment()
    return env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or _FIRST


def kept(places: Places, region: str) -> Answers:
    """What AWS has answered about a region, as far as it is kept; a file that is odd counts not."""
    found = Answers(region=region, asked={})
    if not _REGION.fullmatch(region):
        return found
    for part in Part:
        try:
            told = decode(KIND, file_of(places, region, part).read_bytes())
            found = found.and_those_of(Answers.from_json(told))
        except (FileNotFoundError, FormatError):
            continue
    return found


def file_of(places: Places, region: str, part: Part) -> Path:
    """Where an answer is kept."""
    return places.cache / "offers" / region / f"{part.value}.json"
