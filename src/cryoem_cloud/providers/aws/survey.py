"""Asks AWS what an account may start in its region, and in which zones."""

from collections.abc import Iterator

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.quotas import QUOTAS

__all__ = ["vcpus_allowed", "zones_of"]

_UNKNOWN = "NoSuchResourceException"
"""Service Quotas' word where a region has no such quota."""


def vcpus_allowed(calls: Calls) -> dict[str, int]:
    """The account's quotas in the region of `calls`: vCPUs by the quotas' codes.

    Raises:
        ProviderError: AWS does not say, or says what we cannot read.
    """
    return dict(_vcpus(calls))


def zones_of(calls: Calls, account: Account) -> dict[str, str]:
    """The ids of the zones in which the account's machines may be, by the zones' names.

    Raises:
        ProviderError: AWS does not say, or says what we cannot read.
    """
    told = calls.ask("ec2", "describe_subnets", SubnetIds=list(account.subnets))
    try:
        return {
            str(each["AvailabilityZone"]): str(each["AvailabilityZoneId"])
            for each in told["Subnets"]
        }
    except KeyError as error:
        raise ProviderError(f"AWS's answer about subnets lacks {error}") from error


def _vcpus(calls: Calls) -> Iterator[tuple[str, int]]:
    for quota in QUOTAS:
        try:
            told = calls.ask(
                "service-quotas",
                "get_service_quota",
                expected=(_UNKNOWN,),
                ServiceCode="ec2",
                QuotaCode=quota.code,
            )
            yield quota.code, int(told["Quota"]["Value"])
        except Refused:
            continue
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderError(
                f"AWS's answer about quota {quota.code} is none that we can read: {error!r}"
            ) from error
