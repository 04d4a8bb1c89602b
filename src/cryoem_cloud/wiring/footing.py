"""What this user's accounts may start, and where: kept for a day, asked again where that may be."""

import logging
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.errors import CryoemError, FormatError, ProviderUnreachableError
from cryoem_cloud.model.footing import Footing
from cryoem_cloud.providers.aws.account import Account, accounts
from cryoem_cloud.providers.aws.footing import footing_of, read_footing
from cryoem_cloud.settings import Places, environment

__all__ = ["footing", "kept_footing"]

_LOG = logging.getLogger(__name__)

_PATIENCE_S = 600.0
"""For so long AWS is not asked again where it could not be reached."""


def footing(
    places: Places, region: str, now: datetime, *, store: str = "", anew: bool = False
) -> Footing | None:
    """As AWS says, or as it last did where it cannot be asked; None: nobody knows.

    It is asked once in 24 h, or `anew`.
    Of several accounts in a region it is the one whose machines reach the store, or else the one
    that was joined last.
    """
    account = _account(places, region, store)
    if account is None:
        return None
    known = _kept(places, account)
    if known is not None and known.fresh(now) and not anew:
        return known
    if _was_away(places, account):
        return known
    try:
        return _asked(places, account, now)
    except (CryoemError, OSError) as error:
        _LOG.info("what the account may start in %s is as it was known: %s", region, error)
        if isinstance(error, ProviderUnreachableError):
            _mark_away(places, account)
        return known


def kept_footing(places: Places, region: str) -> Footing | None:
    """As it was last told, however long ago; None: nobody knows."""
    account = _account(places, region, "")
    return _kept(places, account) if account is not None else None


def _account(places: Places, region: str, store: str) -> Account | None:
    there = [each for each in accounts(places.config) if each.region == region]
    near = (each for each in there if each.store.rstrip("/") == store.rstrip("/"))
    return next(near, there[0] if there else None)


def _kept(places: Places, account: Account) -> Footing | None:
    try:
        return read_footing(_file(places, account).read_bytes(), account)
    except (OSError, FormatError):
        return None


def _asked(places: Places, account: Account, now: datetime) -> Footing:
    from cryoem_cloud.providers.aws.calls import Calls  # noqa: PLC0415  (the SDK)
    from cryoem_cloud.providers.aws.survey import (  # noqa: PLC0415  (the SDK)
        vcpus_allowed,
        zones_of,
    )

    calls = Calls(environment(), account.region, attempts=1)
    found, record = footing_of(
        account, now, vcpus=vcpus_allowed(calls), zones=zones_of(calls, account)
    )
    write_whole(_file(places, account), record)
    return found


def _was_away(places: Places, account: Account) -> bool:
    """Whether AWS did not answer a few minutes ago: where packets vanish, each look takes long."""
    try:
        return abs(time.time() - _away(places, account).stat().st_mtime) < _PATIENCE_S
    except OSError:
        return False


def _mark_away(places: Places, account: Account) -> None:
    with suppress(OSError):
        _away(places, account).parent.mkdir(parents=True, exist_ok=True)
        _away(places, account).touch()


def _away(places: Places, account: Account) -> Path:
    return _file(places, account).with_suffix(".away")


def _file(places: Places, account: Account) -> Path:
    return places.cache / "footing" / f"{account.region}.json"
