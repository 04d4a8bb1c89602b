"""S3, and servers that speak its language, as a store."""

from collections.abc import Mapping

from cryoem_cloud.ports.meter import UNMETERED, Meter
from cryoem_cloud.stores.named import bucket_of
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.store import S3Store

__all__ = ["S3Store", "open_s3"]

_PATIENCE_S = 8.0
"""For single requests; programs wait for longer themselves, and say so."""
_PART_PATIENCE_S = 60.0
"""For a part of a large object, whose other parts would have to be sent again."""


def open_s3(url: str, *, env: Mapping[str, str], meter: Meter = UNMETERED) -> Patient:
    """The store at `s3://bucket` or `s3://bucket/prefix`; asks nobody.

    Raises:
        SettingsError: The URL is malformed.
    """
    bucket, prefix = bucket_of(url, "s3", "bucket")
    patience = Patience(_PATIENCE_S)
    access = Access(env, bucket)
    long = patience.lasting(_PART_PATIENCE_S)
    store = S3Store(bucket, prefix, access=access, patience=long, meter=meter)
    return Patient(store, patience)
