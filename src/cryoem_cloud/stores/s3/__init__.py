"""S3, and servers that speak its language, as a store."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from cryoem_cloud.model.errors import SettingsError, StoreError
from cryoem_cloud.stores.lawful import lawful
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.store import S3Store

__all__ = ["S3Store", "open_s3"]

_PATIENCE_S = 8.0
"""For single requests; programs wait for longer themselves, and say so."""
_PART_PATIENCE_S = 60.0
"""For a part of a large object, whose other parts would have to be sent again."""


def open_s3(url: str, *, env: Mapping[str, str]) -> Patient:
    """The store at `s3://bucket` or `s3://bucket/prefix`; asks nobody.

    Raises:
        SettingsError: The URL is malformed.
    """
    parts = urlsplit(url)
    prefix = unquote(parts.path).strip("/")
    try:
        if prefix:
            lawful(prefix)
    except StoreError as error:
        raise SettingsError(
            f"{url!r}: {prefix!r} cannot be the beginning of keys",
            hint="letters, digits and . _ - are fine, segments are parted by one /",
        ) from error
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query:
        raise SettingsError(f"{url!r} names no bucket", hint="s3://bucket or s3://bucket/prefix")
    patience = Patience(_PATIENCE_S)
    access = Access(env, parts.netloc)
    store = S3Store(
        parts.netloc, prefix, access=access, patience=patience.lasting(_PART_PATIENCE_S)
    )
    return Patient(store, patience)
