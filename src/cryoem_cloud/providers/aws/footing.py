"""What AWS told of an account, as it is kept. Imports no SDK."""

from collections.abc import Mapping
from datetime import datetime

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.footing import Footing
from cryoem_cloud.model.record import decode, encode, instant, integer, mapping, text
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.quotas import allowances

__all__ = ["footing_of", "read_footing"]

_KIND = "footing"


def footing_of(
    account: Account, now: datetime, *, vcpus: Mapping[str, int], zones: Mapping[str, str]
) -> tuple[Footing, bytes]:
    """From vCPUs by the quotas' codes, and zones' ids by their names; and as it is kept."""
    record = encode(
        _KIND,
        {
            "stack": account.stack,
            "region": account.region,
            "store": account.store,
            "asked": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "vcpus": dict(vcpus),
            "zones": dict(zones),
        },
    )
    return read_footing(record, account), record


def read_footing(data: bytes, account: Account) -> Footing:
    """From what was kept.

    Raises:
        FormatError: It is no such record, or another account's.
    """
    fields = decode(_KIND, data)
    if (text(fields, "stack"), text(fields, "store")) != (account.stack, account.store):
        raise FormatError("it was told of another account")
    vcpus, zones = mapping(fields, "vcpus"), mapping(fields, "zones")
    return Footing(
        region=account.region,
        asked=instant(fields, "asked"),
        allowances=allowances(account.region, {code: integer(vcpus, code) for code in vcpus}),
        zones={name: text(zones, name) for name in zones},
    )
