"""What S3 and botocore say, in our words: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import TypeAlias

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    CryoemError,
    KeyClashError,
    NoSpaceError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)

__all__ = ["Failure", "PastTheEndError", "is_elsewhere", "is_stale", "translated"]


Failure: TypeAlias = ClientError | BotoCoreError | HTTPError | HTTPException | OSError
"""What a request may end with: botocore's words, urllib3's, and those of our own connections."""


class PastTheEndError(StoreError):
    """A range that starts where the object has no bytes any more; never leaves this adapter."""


@dataclass(frozen=True, slots=True)
class _Fault:
    kind: type[CryoemError]
    what: str
    hint: str = ""


_LOGIN = "refresh your AWS credentials (aws sso login, or new keys in ~/.aws/credentials)"
_EXPIRED = _Fault(StoreDeniedError, "your AWS credentials have expired", _LOGIN)
_BAD_KEY = _Fault(
    StoreDeniedError,
    "the access key is not known there",
    "check AWS_ACCESS_KEY_ID or AWS_PROFILE, and that the store is the one you mean",
)
_BAD_SECRET = _Fault(
    StoreDeniedError,
    "the secret key is wrong",
    "check AWS_SECRET_ACCESS_KEY, or the profile in ~/.aws/credentials",
)
_BUSY = _Fault(StoreUnreachableError, "the store is busy", "try again later")
_NO_ANSWER = _Fault(
    StoreUnreachableError, "the store does not answer", "check the network and AWS_ENDPOINT_URL"
)
_DAMAGED = _Fault(StoreUnreachableError, "bytes were damaged on their way")
_DENIED = _Fault(
    StoreDeniedError,
    "access denied",
    "the credentials need to list the bucket, and to get, put and delete its objects",
)
_BLOCKED = _Fault(
    StoreDeniedError,
    "AWS has blocked the account or the bucket",
    "ask AWS Support, in the console: it is about payment, verification or abuse",
)
_KEY = _Fault(
    StoreDeniedError,
    "the KMS key that encrypts the bucket cannot be used",
    "see that it is enabled, and that its policy lets you use it",
)
_CLOCK = _Fault(
    StoreDeniedError,
    "this computer's clock is off by more than 15 minutes",
    "set the clock (timedatectl set-ntp true), then try again",
)
_REGION = _Fault(
    StoreDeniedError, "the bucket is in another region", "set AWS_REGION to the bucket's region"
)
_FULL = _Fault(NoSpaceError, "the store is full", "free some space there, or choose another store")
_NO_BUCKET = _Fault(
    StoreError, "there is no such bucket", "create it (aws s3 mb), or correct the store's URL"
)
_BAD_BUCKET = _Fault(
    StoreError, "that is no bucket's name", "3 to 63 lower-case letters, digits, - and ."
)
_EXISTS = _Fault(ObjectExistsError, "exists already")
_PAST_THE_END = _Fault(PastTheEndError, "the range is past the end")
_MISSING = _Fault(ObjectMissingError, "there is no such object")
_NO_UPLOAD = _Fault(ObjectMissingError, "there is no such upload")

_CODES: Mapping[str, _Fault] = {
    "AccessDenied": _DENIED,
    "AccountProblem": _BLOCKED,
    "AllAccessDisabled": _BLOCKED,
    "AuthorizationHeaderMalformed": _REGION,
    "BadDigest": _DAMAGED,
    "ConditionalRequestConflict": _BUSY,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "IllegalLocationConstraintException": _REGION,
    "InternalError": _BUSY,
    "InvalidAccessKeyId": _BAD_KEY,
    "InvalidBucketName": _BAD_BUCKET,
    "InvalidObjectState": _Fault(
        StoreError, "the object is archived", "restore it from Glacier, then try again"
    ),
    "InvalidRange": _PAST_THE_END,
    "InvalidToken": _EXPIRED,
    "KMS.DisabledException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.NotFoundException": _KEY,
    "MalformedXML": _DAMAGED,  # ours is well-formed when it leaves
    "NoSuchBucket": _NO_BUCKET,
    "NoSuchKey": _MISSING,
    "NoSuchUpload": _NO_UPLOAD,
    "NotSignedUp": _BLOCKED,
    "OperationAborted": _BUSY,
    "PermanentRedirect": _REGION,
    "PreconditionFailed": _EXISTS,
    "QuotaExceeded": _FULL,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestTimeout": _NO_ANSWER,
    "ServiceUnavailable": _BUSY,
    "SignatureDoesNotMatch": _BAD_SECRET,
    "SlowDown": _BUSY,
    "TokenRefreshRequired": _EXPIRED,
    "XAmzContentChecksumMismatch": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "XMinioParentIsObject": _Fault(KeyClashError, "an object is where its folder would be"),
    "XMinioStorageFull": _FULL,
}
"""By S3's error code."""

_STATUSES: Mapping[int, _Fault] = {
    301: _REGION,
    307: _BUSY,
    401: _DENIED,
    403: _DENIED,
    404: _MISSING,
    408: _NO_ANSWER,
    409: _BUSY,
    412: _EXISTS,
    416: _PAST_THE_END,
    429: _BUSY,
    507: _FULL,
}
"""By HTTP status, for codes that are not in the table and for answers without a body."""

_NO_CREDENTIALS = _Fault(
    StoreDeniedError,
    "there are no AWS credentials",
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; with a profile of your "
    "administrator's: aws configure sso, then: export AWS_PROFILE=NAME; aws sso login",
)
_SOURCE = _Fault(
    StoreDeniedError,
    "what gives you AWS credentials does not give them",
    "aws sts get-caller-identity should name you; see credential_process or role_arn in "
    "~/.aws/config",
)
_CONFIG = _Fault(StoreDeniedError, "your AWS settings cannot be used", "correct ~/.aws/config")
_LOCAL: tuple[tuple[type[BotoCoreError | HTTPError | HTTPException | OSError], _Fault], ...] = (
    (exceptions.NoCredentialsError, _NO_CREDENTIALS),
    (exceptions.PartialCredentialsError, _NO_CREDENTIALS),
    (exceptions.ProfileNotFound, _Fault(StoreDeniedError, "no such AWS profile", _LOGIN)),
    (exceptions.SSOError, _EXPIRED),
    (exceptions.LoginError, _EXPIRED),
    (exceptions.TokenRetrievalError, _EXPIRED),
    (exceptions.CredentialRetrievalError, _SOURCE),
    (exceptions.ConfigParseError, _CONFIG),
    (exceptions.InvalidConfigError, _CONFIG),
    (exceptions.FlexibleChecksumError, _Fault(CorruptObjectError, "the bytes are damaged")),
    (exceptions.ChecksumError, _Fault(CorruptObjectError, "the bytes are damaged")),
    (
        exceptions.SSLError,
        _Fault(
            StoreUnreachableError,
            "no secure connection",
            "check the address; a server with a certificate of its own needs AWS_CA_BUNDLE",
        ),
    ),
    (exceptions.IncompleteReadError, _NO_ANSWER),
    (exceptions.ConnectionError, _NO_ANSWER),
    (HTTPClientError, _NO_ANSWER),
    (HTTPError, _NO_ANSWER),  # of answers that botocore reads whole, and does not translate
    (HTTPException, _NO_ANSWER),
    (OSError, _NO_ANSWER),
)
"""By botocore's own exception, or one of a connection's; the first that fits."""

_STALE_CODES = frozenset(
    code for code, fault in _CODES.items() if fault in {_EXPIRED, _BAD_KEY, _BAD_SECRET}
)
_STALE_KINDS = (
    exceptions.NoCredentialsError,
    exceptions.SSOError,
    exceptions.LoginError,
    exceptions.TokenRetrievalError,
    exceptions.CredentialRetrievalError,
)
_SERVER_FAULT = 500


def is_stale(error: ClientError | BotoCoreError) -> bool:
    """Whether reading the credentials again may help."""
    return _code(error) in _STALE_CODES or isinstance(error, _STALE_KINDS)


def is_elsewhere(error: ClientError | BotoCoreError) -> bool:
    """Whether the bucket is in another region than the one that was asked."""
    return isinstance(error, ClientError) and _fault(error) is _REGION


def translated(error: Failure, *, what: str) -> CryoemError:
    """Our error for it; `what` names the store and the object."""
    fault = _fault(error)
    said = f": {error}" if fault.kind in {StoreError, StoreUnreachableError} else ""
    ours = fault.kind(f"{what}: {fault.what}{said}", hint=fault.hint)
    if isinstance(ours, StoreUnreachableError) and isinstance(error, ClientError):
        ours.after_s = _after_s(error)
    return ours


def _after_s(error: ClientError) -> float:
    """For how long a busy store wants to be left alone; 0 if it does not say so in seconds."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    said = str(headers.get("retry-after", ""))
    return float(said) if said.isascii() and said.isdigit() else 0.0


def _fault(error: Failure) -> _Fault:
    if not isinstance(error, ClientError):
        unknown = _Fault(StoreError, "the request cannot be made")
        return next((fault for kind, fault in _LOCAL if isinstance(error, kind)), unknown)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if found := _CODES.get(_code(error)) or _STATUSES.get(status):
        return found
    return _BUSY if status >= _SERVER_FAULT else _Fault(StoreError, "the store refused")


def _code(error: Failure) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return ""
