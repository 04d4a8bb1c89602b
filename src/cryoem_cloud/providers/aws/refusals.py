"""What AWS refuses, in our words: one table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from cryoem_cloud.model.errors import (
    CryoemError,
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
    QuotaError,
)

__all__ = ["code_of", "no_capacity", "over_quota", "translated"]


@dataclass(frozen=True, slots=True)
class _Refusal:
    kind: type[ProviderError]
    what: str
    hint: str = ""


_LOGIN = "refresh your AWS credentials (aws sso login, or new keys in ~/.aws/credentials)"
_EXPIRED = _Refusal(ProviderDeniedError, "your AWS credentials have expired", _LOGIN)
_WRONG_KEY = _Refusal(
    ProviderDeniedError,
    "AWS does not know the credentials",
    "check AWS_PROFILE or AWS_ACCESS_KEY_ID; aws sts get-caller-identity should name you",
)
_NONE = _Refusal(
    ProviderDeniedError,
    "there are no AWS credentials",
    "ask your administrator for an AWS profile that may use the stack, set it up with: aws "
    "configure sso, then: export AWS_PROFILE=NAME; aws sso login; cryoem aws join",
)
_DENIED = _Refusal(
    ProviderDeniedError,
    "AWS does not allow it",
    "ask your administrator to attach the stack's policy for users to you (cryoem aws doctor)",
)
_BUSY = _Refusal(ProviderUnreachableError, "AWS is busy", "it is tried again")
_NO_ANSWER = _Refusal(
    ProviderUnreachableError, "AWS does not answer", "check the network; it is tried again"
)
_QUOTA = _Refusal(
    QuotaError, "a quota of your account is reached", "cryoem aws doctor names it, and how to ask"
)
_CLOCK = _Refusal(
    ProviderDeniedError,
    "this computer's clock is off by more than 5 minutes",
    "set the clock (timedatectl set-ntp true), then try again",
)
_OPT_IN = _Refusal(
    ProviderDeniedError,
    "your account has not enabled that region",
    "choose another one, or have it enabled (Account > AWS Regions)",
)
_PENDING = _Refusal(
    ProviderDeniedError,
    "the account is not ready to launch machines",
    "new accounts are verified first, which may take some hours; try again later",
)

_CODES: Mapping[str, _Refusal] = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AuthFailure": _WRONG_KEY,
    "Blocked": _PENDING,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InternalError": _BUSY,
    "InternalFailure": _BUSY,
    "InvalidClientTokenId": _WRONG_KEY,
    "LimitExceeded": _QUOTA,
    "LimitExceededException": _QUOTA,
    "MaxSpotInstanceCountExceeded": _QUOTA,
    "OptInRequired": _OPT_IN,
    "PendingVerification": _PENDING,
    "RequestExpired": _CLOCK,
    "RequestLimitExceeded": _BUSY,
    "RequestThrottled": _BUSY,
    "ResourceContention": _BUSY,
    "ScalingActivityInProgress": _BUSY,
    "ServiceUnavailable": _BUSY,
    "SignatureDoesNotMatch": _WRONG_KEY,
    "Throttling": _BUSY,
    "ThrottlingException": _BUSY,
    "TooManyRequestsException": _BUSY,
    "Unavailable": _BUSY,
    "UnauthorizedOperation": _DENIED,
    "UnrecognizedClientException": _WRONG_KEY,
    "VcpuLimitExceeded": _QUOTA,
}
"""By AWS's code. The codes are those of the API references, "Common errors", and of EC2's."""

_LOCAL: tuple[tuple[type[BotoCoreError], _Refusal], ...] = (
    (exceptions.NoCredentialsError, _NONE),
    (exceptions.PartialCredentialsError, _NONE),
    (exceptions.ProfileNotFound, _NONE),
    (exceptions.SSOError, _EXPIRED),
    (exceptions.TokenRetrievalError, _EXPIRED),
    (exceptions.CredentialRetrievalError, _EXPIRED),
    (exceptions.ConnectionError, _NO_ANSWER),
    (exceptions.HTTPClientError, _NO_ANSWER),
)

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
_OVER_QUOTA = (
    "VcpuLimitExceeded",
    "MaxSpotInstanceCountExceeded",
    "Max spot instance count exceeded",
    "vCPU capacity than your current vCPU limit",
)
_SERVER_FAULT = 500


def no_capacity(said: str) -> bool:
    """Whether an activity's message says that there are no such machines now."""
    return any(words.lower() in said.lower() for words in _CAPACITY)


def over_quota(said: str) -> bool:
    """Whether an activity's message says that a quota is reached."""
    return any(words.lower() in said.lower() for words in _OVER_QUOTA)


def code_of(error: ClientError | BotoCoreError) -> str:
    """AWS's code of an error; "" where it is none of AWS's."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""


def translated(error: ClientError | BotoCoreError, *, what: str) -> CryoemError:
    """Our error for it; `what` says what was tried. A denied action is named."""
    refusal = _refusal(error)
    if refusal is None:
        return ProviderError(f"{what}: {_said(error)}")
    action = _ACTION.search(str(error)) if refusal is _DENIED else None
    missing = f" ({action[1]} is missing)" if action else ""
    plain = refusal.kind is ProviderDeniedError
    said = "" if plain else f": {_said(error)}"
    return refusal.kind(f"{what}: {refusal.what}{missing}{said}", hint=refusal.hint)


def _refusal(error: ClientError | BotoCoreError) -> _Refusal | None:
    if not isinstance(error, ClientError):
        return next((found for kind, found in _LOCAL if isinstance(error, kind)), None)
    if found := _CODES.get(code_of(error)):
        return found
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return _BUSY if status >= _SERVER_FAULT else None


def _said(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", "")) or code_of(error)
    return str(error)
