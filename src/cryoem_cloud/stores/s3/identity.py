"""Who we are to S3, and where it is: one interface, and two who know.

`plain` knows what the environment and the AWS files say in so many words; `sdk` knows all else:
single sign-on, roles, programs that give credentials, proxies, partitions.
"""

import threading
from collections.abc import Mapping
from typing import Protocol

from cryoem_cloud.stores.s3.plain import plain_identity
from cryoem_cloud.stores.s3.signing import Keys
from cryoem_cloud.stores.sellers import s3_seller

__all__ = ["Access", "Identity", "Proxy"]

Proxy = tuple[str, Mapping[str, str]]
"""Its URL, "" for none, and the headers that it wants."""


class Identity(Protocol):
    """Credentials, and where buckets are."""

    @property
    def region(self) -> str:
        """The one that is meant where none is named."""
        ...

    @property
    def certificates(self) -> str:
        """A file with what a server's certificate is checked by; "" for the usual ones."""
        ...

    def keys(self) -> Keys:
        """What to sign with now.

        Raises:
            UnfitError: There is nothing.
        """
        ...

    def root(self, bucket: str, region: str) -> str:
        """The URL before the bucket's keys, without its last slash.

        Raises:
            UnfitError: The bucket's name or the settings cannot be used.
        """
        ...

    def proxy(self, root: str) -> Proxy:
        """The way there."""
        ...


class Access:
    """An identity made of the environment and the AWS files, when it is first needed. Thread-safe.

    Credentials are looked for as the AWS command line does: variables, profile, SSO, the machine's
    role. AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL say which server, if not Amazon's.
    """

    def __init__(self, env: Mapping[str, str], bucket: str) -> None:
        self._env = env
        self._bucket = bucket
        self._lock = threading.Lock()
        self._known: Identity | None = None

    @property
    def sold_by(self) -> str:
        """Who asks money for the server that the environment names; "" for nobody."""
        return s3_seller(self._env)

    def identity(self) -> Identity:
        """The same for every caller.

        Raises:
            UnfitError: The settings cannot be used.
        """
        with self._lock:
            if self._known is None:
                self._known = plain_identity(self._env, self._bucket) or _of_sdk(self._env)
            return self._known

    def renewed(self, stale: Identity) -> Identity:
        """One whose credentials were read again since `stale` was made."""
        with self._lock:
            if self._known is stale:
                self._known = None
        return self.identity()


def _of_sdk(env: Mapping[str, str]) -> Identity:
    from cryoem_cloud.stores.s3.sdk import sdk_identity  # noqa: PLC0415  (takes 0.3 s to import)

    return sdk_identity(env)
