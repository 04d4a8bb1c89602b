"""What obstore and the clouds say, in our words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore import exceptions

from cryoem_cloud.model.errors import (
    KeyClashError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)

__all__ = ["PastTheEndError", "translated"]

_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_STATUS_LINE = re.compile(r"non-2xx status code: (\d{3}[A-Za-z ]*)")
_ADDRESS = re.compile(r"(?:for url )?\(?https?://\S+")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_DENIED = frozenset({401, 403})
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_PAST_THE_END = ("416 Range Not Satisfiable", "Wanted range starting at")
"""The server's word, and obstore's where the server gives another range."""
_NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound", "ContainerBeingDeleted"})
_CLASH = frozenset({"PathConflict", "ResourceTypeMismatch"})
"""Azure with a hierarchical namespace has folders."""
_SIGN_IN = (
    "sign in (gcloud auth application-default login; az login), or name the credentials in the"
    " environment; they need to list, read, write and delete"
)
_TOKEN = ("token request", "credential", "metadata service", "az account get-access-token")


class PastTheEndError(StoreError):
    """A range that starts where the object has no bytes any more; never leaves this adapter."""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Our errors for what goes wrong in the block, which is about `what`."""
    try:
        yield
    except exceptions.AlreadyExistsError as error:
        raise _exists(str(error), what) from error
    except exceptions.PreconditionError as error:
        raise ObjectExistsError(f"{what} exists already") from error
    except (FileNotFoundError, exceptions.NotFoundError) as error:
        if _code(str(error)) in _NO_BUCKET:
            raise _no_bucket(what) from error
        raise ObjectMissingError(f"{what}: there is no such object") from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise _denied(error, what) from error
    except (exceptions.BaseError, OSError) as error:
        raise _other(error, what) from error


def _exists(said: str, what: str) -> StoreError:
    if _code(said) in _CLASH:
        return KeyClashError(f"{what}: an object is where its folder would be, or a folder is")
    return ObjectExistsError(f"{what} exists already")


def _denied(error: Exception, what: str) -> StoreDeniedError:
    return StoreDeniedError(f"{what}: access denied: {_brief(error)}", hint=_SIGN_IN)


def _no_bucket(what: str) -> StoreError:
    return StoreError(
        f"{what}: there is no such bucket or container",
        hint="create it (gcloud storage buckets create; az storage container create), or correct"
        " the store's URL",
    )


def _other(error: Exception, what: str) -> StoreError:
    said = str(error)
    if _code(said) in _NO_BUCKET:
        return _no_bucket(what)
    if any(word in said.lower() for word in _TOKEN):
        return StoreDeniedError(f"{what}: there are no credentials: {_brief(error)}", hint=_SIGN_IN)
    if any(words in said for words in _PAST_THE_END):
        return PastTheEndError(f"{what}: the range is past the end")
    found = _STATUS.search(said)
    return _refused(error, what, int(found[1]) if found else 0)


def _refused(error: Exception, what: str, status: int) -> StoreError:
    """By the status of the answer; 0 for none."""
    if status in _DENIED:
        return _denied(error, what)
    if not status or status in _BUSY:
        how = "is busy" if status else "does not answer"
        hint = "try again later" if status else "check the network"
        return StoreUnreachableError(f"{what}: the store {how}: {_brief(error)}", hint=hint)
    return StoreError(f"{what}: the store refused: {_brief(error)}")


def _code(said: str) -> str:
    found = _CODE.search(said)
    return found[1] if found else ""


def _brief(error: Exception) -> str:
    """What the answer was, or why there is none; no address, which may hold a signature."""
    said = " ".join(str(error).partition("\n\n")[0].partition("<")[0].split())
    found = _STATUS_LINE.search(said)
    return found[1] if found else _ADDRESS.sub("", said.rpartition(" - ")[2]).strip(" :")[:200]
