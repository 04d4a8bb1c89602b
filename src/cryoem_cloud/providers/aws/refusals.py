"""What AWS refuses, in our words, as the one table of them says (refusal_table)."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cryoem_cloud.model.errors import CryoemError, ProviderDeniedError, ProviderError
from cryoem_cloud.providers.aws.refusal_table import (
    BUSY,
    BY_WORDS,
    CODES,
    DENIED,
    ENDED,
    LOCAL,
    Refusal,
)

__all__ = ["about_credentials", "code_of", "ended_by", "no_capacity", "of_launch", "translated"]

_ACTION = re.compile(r"(?:perform|action)s?:? ([a-z0-9-]+:[A-Za-z]+)")
_CAPACITY = (
    "InsufficientInstanceCapacity",
    "UnfulfillableCapacity",
    "insufficient capacity",
    "sufficient m",
    "do not have sufficient",
    "no Spot capacity",
    "SpotMaxPriceTooLow",
    "Unsupported",
    "not supported in your requested Availability Zone",
)
_LAUNCH_WORDS = {
    "Max spot instance count exceeded": "MaxSpotInstanceCountExceeded",
    "vCPU capacity than your current vCPU limit": "VcpuLimitExceeded",
    "not enough free addresses": "InsufficientFreeAddressesInSubnet",
}
_LAUNCH_CODE = re.compile(r"Could not launch [\w-]+ Instances\. (?P<code>[A-Z][\w.]*\w) - ")
_SERVER_FAULT = 500


def no_capacity(said: str) -> bool:
    """Whether an activity's message says that there are no such machines now."""
    return any(words.lower() in said.lower() for words in _CAPACITY)


def of_launch(said: str) -> CryoemError | None:
    """Our error for what an activity says of a launch that failed; None where nothing is known.

    A group tries again and again: what no other offer would mend is an error, and all else waits.
    """
    if no_capacity(said):
        return None
    found = _LAUNCH_CODE.search(said)
    code = found["code"] if found else ""
    for words, meant in _LAUNCH_WORDS.items():
        code = meant if words in said else code
    refusal = _meant(code, said)
    return _error(refusal, "AWS launches no machine", said) if refusal else None


def ended_by(reason: Mapping[str, Any]) -> str:
    """Why AWS ended an instance that never came up, from its state reason; "" where not known."""
    code = str(reason.get("Code", ""))
    return f"{ENDED[code]} ({code})" if code in ENDED else ""


def code_of(error: ClientError | BotoCoreError) -> str:
    """AWS's code of an error; "" where it is none of AWS's."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def about_credentials(error: ClientError | BotoCoreError) -> bool:
    """Whether reading the credentials again may help: the user may have mended them meanwhile."""
    refusal = _refusal(error)
    return refusal is not None and refusal.kind is ProviderDeniedError and refusal is not DENIED


def translated(error: ClientError | BotoCoreError, *, what: str) -> CryoemError:
    """Our error for it; `what` says what was tried. A denied action is named."""
    refusal = _refusal(error)
    if refusal is None:
        return ProviderError(f"{what}: {_said(error)}")
    action = _ACTION.search(str(error)) if code_of(error) and not refusal.quoted else None
    missing = f" ({action[1]} is missing)" if action else ""
    return _error(refusal, what, _said(error), missing)


def _error(refusal: Refusal, what: str, said: str, missing: str = "") -> ProviderError:
    quoted = f": {said}" if refusal.quoted else ""
    return refusal.kind(f"{what}: {refusal.what}{missing}{quoted}", hint=refusal.hint)


def _refusal(error: ClientError | BotoCoreError) -> Refusal | None:
    if not isinstance(error, ClientError):
        return next((found for kind, found in LOCAL if isinstance(error, kind)), None)
    if found := _meant(code_of(error), str(error)):
        return found
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return BUSY if status >= _SERVER_FAULT else None


def _meant(code: str, said: str) -> Refusal | None:
    for codes, words, refusal in BY_WORDS:
        if code in codes and words.lower() in said.lower():
            return refusal
    return CODES.get(code)


def _said(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", "")) or code_of(error)
    return str(error)
