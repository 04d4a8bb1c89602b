"""What a URL of an object store names: a bucket, and what its keys begin with."""

from urllib.parse import unquote, urlsplit

from cryoem_cloud.model.errors import SettingsError, StoreError
from cryoem_cloud.stores.lawful import lawful

__all__ = ["bucket_of"]


def bucket_of(url: str, scheme: str, what: str) -> tuple[str, str]:
    """The bucket of `scheme://bucket/prefix`, and the prefix, "" for none; people call it `what`.

    Raises:
        SettingsError: The URL is malformed.
    """
    parts = urlsplit(url)
    prefix = unquote(parts.path).strip("/")
    if parts.scheme != scheme or not parts.netloc or "@" in parts.netloc or parts.query:
        raise SettingsError(
            f"{url!r} names no {what}", hint=f"{scheme}://{what} or {scheme}://{what}/prefix"
        )
    try:
        if prefix:
            lawful(prefix)
    except StoreError as error:
        raise SettingsError(
            f"{url!r}: {prefix!r} cannot be the beginning of keys",
            hint="letters, digits and . _ - are fine, segments are parted by one /",
        ) from error
    return parts.netloc, prefix
