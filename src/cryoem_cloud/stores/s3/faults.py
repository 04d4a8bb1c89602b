"""What S3, connections and the SDK say, in our words: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException

from cryoem_cloud.model.errors import (
    ArchivedError,
    CryoemError,
    KeyClashError,
    NoSpaceError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)

__all__ = [
    "CONFIG",
    "EXPIRED",
    "FAILURES",
    "NO_CREDENTIALS",
    "NO_PROFILE",
    "SOURCE",
    "TO_RESTORE",
    "UNUSABLE",
    "Failure",
    "Fault",
    "InsecureError",
    "NeedlessError",
    "PastTheEndError",
    "RefusedError",
    "UnfitError",
    "is_elsewhere",
    "is_stale",
    "translated",
]


class PastTheEndError(StoreError):
    """A range that starts where the object has no bytes any more; never leaves this adapter."""


class NeedlessError(StoreError):
    """What was asked for is done, or under way; never leaves this adapter."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of ours, and its words."""

    kind: type[CryoemError]
    what: str
    hint: str = ""


class RefusedError(Exception):
    """A server did not do what it was asked, and said why; `headers` by names in lower case."""

    def __init__(self, status: int, headers: Mapping[str, str], code: str, message: str) -> None:
        super().__init__(f"{code} {message}".strip() or f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.code = code


class UnfitError(Exception):
    """We cannot say who we are, or where to ask; `stale` if that may be another time."""

    def __init__(self, fault: Fault, said: str, *, stale: bool = False) -> None:
        super().__init__(said)
        self.fault = fault
        self.stale = stale


class InsecureError(Exception):
    """A connection would not be secure."""


Failure = RefusedError | UnfitError | InsecureError | HTTPException | OSError
FAILURES = (RefusedError, UnfitError, InsecureError, HTTPException, OSError)
"""What a request may end with."""

_LOGIN = "refresh your AWS credentials (aws sso login, or new keys in ~/.aws/credentials)"
EXPIRED = Fault(StoreDeniedError, "your AWS credentials have expired", _LOGIN)
_BAD_KEY = Fault(
    StoreDeniedError,
    "the access key is not known there",
    "check AWS_ACCESS_KEY_ID or AWS_PROFILE, and that the store is the one you mean",
)
_BAD_SECRET = Fault(
    StoreDeniedError,
    "the secret key is wrong",
    "check AWS_SECRET_ACCESS_KEY, or the profile in ~/.aws/credentials",
)
_BUSY = Fault(StoreUnreachableError, "the store is busy", "try again later")
_NO_ANSWER = Fault(
    StoreUnreachableError, "the store does not answer", "check the network and AWS_ENDPOINT_URL"
)
_DAMAGED = Fault(StoreUnreachableError, "bytes were damaged on their way")
_DENIED = Fault(
    StoreDeniedError,
    "access denied",
    "the credentials need to list the bucket, and to get, put and delete its objects",
)
_BLOCKED = Fault(
    StoreDeniedError,
    "AWS has blocked the account or the bucket",
    "ask AWS Support, in the console: it is about payment, verification or abuse",
)
_KEY = Fault(
    StoreDeniedError,
    "the KMS key that encrypts the bucket cannot be used",
    "see that it is enabled, and that its policy lets you use it",
)
_CLOCK = Fault(
    StoreDeniedError,
    "this computer's clock is off by more than 15 minutes",
    "set the clock (timedatectl set-ntp true), then try again",
)
_REGION = Fault(
    StoreDeniedError, "the bucket is in another region", "set AWS_REGION to the bucket's region"
)
_FULL = Fault(NoSpaceError, "the store is full", "free some space there, or choose another store")
_NO_BUCKET = Fault(
    StoreError, "there is no such bucket", "create it (aws s3 mb), or correct the store's URL"
)
_BAD_BUCKET = Fault(
    StoreError, "that is no bucket's name", "3 to 63 lower-case letters, digits, - and ."
)
_EXISTS = Fault(ObjectExistsError, "exists already")
_PAST_THE_END = Fault(PastTheEndError, "the range is past the end")
_MISSING = Fault(ObjectMissingError, "there is no such object")
TO_RESTORE = "cryoem storage restore PATH says what that costs; it takes about 12 h, in bulk 48 h"
_ARCHIVED = Fault(
    ArchivedError,
    "the object is archived, and cannot be read before it is restored",
    TO_RESTORE,
)
_NEEDLESS = Fault(NeedlessError, "it is restored, or about to be")
_NO_UPLOAD = Fault(ObjectMissingError, "there is no such upload")

_CODES: Mapping[str, Fault] = {
    "AccessDenied": _DENIED,
    "AccountProblem": _BLOCKED,
    "AllAccessDisabled": _BLOCKED,
    "AuthorizationHeaderMalformed": _REGION,
    "BadDigest": _DAMAGED,
    "ConditionalRequestConflict": _BUSY,
    "ExpiredToken": EXPIRED,
    "ExpiredTokenException": EXPIRED,
    "IllegalLocationConstraintException": _REGION,
    "InternalError": _BUSY,
    "InvalidAccessKeyId": _BAD_KEY,
    "InvalidBucketName": _BAD_BUCKET,
    "InvalidObjectState": _ARCHIVED,
    "InvalidRange": _PAST_THE_END,
    "InvalidStorageClass": Fault(StoreError, "the store has no such class"),
    "InvalidToken": EXPIRED,
    "KMS.DisabledException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.NotFoundException": _KEY,
    "MalformedXML": _DAMAGED,  # ours is well-formed when it leaves
    "NoSuchBucket": _NO_BUCKET,
    "NoSuchKey": _MISSING,
    "NoSuchUpload": _NO_UPLOAD,
    "NotSignedUp": _BLOCKED,
    "ObjectAlreadyInActiveTierError": _NEEDLESS,
    "ObjectNotInActiveTierError": _ARCHIVED,
    "OperationAborted": _BUSY,
    "PermanentRedirect": _REGION,
    "PreconditionFailed": _EXISTS,
    "QuotaExceeded": _FULL,
    "RequestTimeTooSkewed": _CLOCK,
    "RestoreAlreadyInProgress": _NEEDLESS,
    "RequestTimeout": _NO_ANSWER,
    "ServiceUnavailable": _BUSY,
    "SignatureDoesNotMatch": _BAD_SECRET,
    "SlowDown": _BUSY,
    "TokenRefreshRequired": EXPIRED,
    "XAmzContentChecksumMismatch": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "XMinioParentIsObject": Fault(KeyClashError, "an object is where its folder would be"),
    "XMinioStorageFull": _FULL,
}
"""By S3's error code."""

_STATUSES: Mapping[int, Fault] = {
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

NO_CREDENTIALS = Fault(
    StoreDeniedError,
    "there are no AWS credentials",
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; with a profile of your "
    "administrator's: aws configure sso, then: export AWS_PROFILE=NAME; aws sso login",
)
SOURCE = Fault(
    StoreDeniedError,
    "what gives you AWS credentials does not give them",
    "aws sts get-caller-identity should name you; see credential_process or role_arn in "
    "~/.aws/config",
)
CONFIG = Fault(StoreDeniedError, "your AWS settings cannot be used", "correct ~/.aws/config")
NO_PROFILE = Fault(StoreDeniedError, "no such AWS profile", _LOGIN)
UNUSABLE = Fault(StoreError, "the request cannot be made")
_INSECURE = Fault(
    StoreUnreachableError,
    "no secure connection",
    "check the address; a server with a certificate of its own needs AWS_CA_BUNDLE",
)
_KINDS: tuple[tuple[type[Exception], Fault], ...] = (
    (InsecureError, _INSECURE),
    (HTTPException, _NO_ANSWER),
    (OSError, _NO_ANSWER),
)
"""By what a connection ends with; the first that fits."""
_STALE_CODES = frozenset(
    code for code, fault in _CODES.items() if fault in {EXPIRED, _BAD_KEY, _BAD_SECRET}
)
_SERVER_FAULT = 500


def is_stale(error: Failure) -> bool:
    """Whether reading the credentials again may help."""
    if isinstance(error, UnfitError):
        return error.stale
    return isinstance(error, RefusedError) and error.code in _STALE_CODES


def is_elsewhere(error: Failure) -> bool:
    """Whether the bucket is in another region than the one that was asked."""
    return isinstance(error, RefusedError) and _fault(error) is _REGION


def translated(error: Failure, *, what: str) -> CryoemError:
    """Our error for it; `what` names the store and the object."""
    fault = _fault(error)
    said = f": {error}" if fault.kind in {StoreError, StoreUnreachableError} else ""
    ours = fault.kind(f"{what}: {fault.what}{said}", hint=fault.hint)
    if isinstance(ours, StoreUnreachableError) and isinstance(error, RefusedError):
        ours.after_s = _after_s(error)
    return ours


def _after_s(error: RefusedError) -> float:
    """For how long a busy store wants to be left alone; 0 if it does not say so in seconds."""
    said = error.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() else 0.0


def _fault(error: Failure) -> Fault:
    if isinstance(error, UnfitError):
        return error.fault
    if not isinstance(error, RefusedError):
        return next(fault for kind, fault in _KINDS if isinstance(error, kind))
    if found := _CODES.get(error.code) or _STATUSES.get(error.status):
        return found
    return _BUSY if error.status >= _SERVER_FAULT else Fault(StoreError, "the store refused")
