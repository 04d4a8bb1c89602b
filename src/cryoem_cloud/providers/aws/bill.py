"""What AWS bills for a stack, as Cost Explorer tells it: a day late, for $0.01 a request."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from cryoem_cloud.model.billed import Billed, Item
from cryoem_cloud.model.errors import FormatError, ProviderError
from cryoem_cloud.model.usd import usd
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import PROJECT, STACK

__all__ = ["COST_EXPLORER", "REQUEST_USD", "billed"]

COST_EXPLORER = "us-east-1"
"""The region that has Cost Explorer (its API reference: ce.us-east-1.amazonaws.com)."""
REQUEST_USD = Decimal("0.01")
"""Of one request, a page of a long answer each (aws.amazon.com/aws-cost-management/
aws-cost-explorer/pricing)."""

_METRIC = "UnblendedCost"
_ITEMS = (
    (r"BoxUsage\b.*", Item.ON_DEMAND),
    (r"SpotUsage\b.*", Item.SPOT),
    (r"EBS:Volume.*", Item.DISKS),
    (r"DataTransfer-Out-Bytes", Item.HOME),
    (r"PublicIPv4:.*", Item.ADDRESSES),
    (r"DataTransfer-.*|.*-AWS-(In|Out)-Bytes", Item.TRAFFIC),
    (r"TimedStorage-.*|EarlyDelete-.*", Item.STORE),
    (r"Requests-.*|Retrieval-.*", Item.REQUESTS),
)
"""AWS's usage types, without what they have before them in all regions but us-east-1."""
_BEFORE = r"(?:[A-Z]{2,4}\d?-)?"
_NO_RIGHT = (
    "this needs ce:GetCostAndUsage: the administrator attaches the stack's policy named "
    "cryoem-STACK-REGION-accountants to you (cryoem aws setup makes it), and lets users of IAM "
    "see bills (Account, IAM user and role access to Billing)"
)
_NO_DATA = (
    "where Cost Explorer was never opened, open it once in AWS's console; a day later it tells"
)


def billed(calls: Calls, *, stack: str, region: str, start: date, end: date) -> list[Billed]:
    """What is billed for a stack in a region from `start` until before `end`, month by month.

    `calls` are to the region that has Cost Explorer. Things count that have the stack's tag; a tag
    that the account has not activated for bills, Cost Explorer takes for one that nothing has.

    Raises:
        ProviderError: AWS does not say, or says what we cannot read.
    """
    asked: dict[str, Any] = {
        "TimePeriod": {"Start": f"{start}", "End": f"{end}"},
        "Granularity": "MONTHLY",
        "Metrics": [_METRIC],
        "Filter": {
            "And": [
                {"Tags": {"Key": STACK, "Values": [stack]}},
                {"Dimensions": {"Key": "REGION", "Values": [region]}},
            ]
        },
        "GroupBy": [
            {"Type": "DIMENSION", "Key": "USAGE_TYPE"},
            {"Type": "TAG", "Key": PROJECT},
        ],
    }
    try:
        return [each for told in _months(calls, asked) for each in _of_month(told)]
    except (AttributeError, KeyError, TypeError, ValueError, FormatError) as error:
        raise ProviderError(
            f"Cost Explorer's answer is none that we can read: {error!r:.200}"
        ) from error


def item_of(usage_type: str) -> Item:
    """What a usage type of AWS's is about."""
    found = (item for words, item in _ITEMS if re.fullmatch(_BEFORE + f"(?:{words})", usage_type))
    return next(found, Item.OTHER)


def _months(calls: Calls, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All pages; a month may be on several."""
    further: dict[str, str] = {}
    while True:
        answer = _page(calls, {**asked, **further})
        yield from answer["ResultsByTime"]
        if not answer.get("NextPageToken"):
            return
        further = {"NextPageToken": str(answer["NextPageToken"])}


def _page(calls: Calls, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    refusals = {"AccessDeniedException": _NO_RIGHT, "DataUnavailableException": _NO_DATA}
    try:
        return calls.ask("ce", "get_cost_and_usage", expected=tuple(refusals), **asked)
    except Refused as refused:
        raise ProviderError(
            f"Cost Explorer: {refused.said}", hint=refusals[refused.code]
        ) from refused


def _of_month(told: Mapping[str, Any]) -> Iterator[Billed]:
    """Its groups, each of a usage type and of a project as `cryoem:project$NAME`."""
    for group in told["Groups"]:
        usage_type, tag = group["Keys"]
        amount = group["Metrics"][_METRIC]
        if amount["Unit"] != "USD":
            raise FormatError(f"an amount in {amount['Unit']}")
        yield Billed(
            month=str(told["TimePeriod"]["Start"])[:7],
            item=item_of(usage_type),
            name=usage_type,
            usd=usd(amount["Amount"]),
            project=str(tag).partition("$")[2],
            estimated=bool(told.get("Estimated")),
        )
