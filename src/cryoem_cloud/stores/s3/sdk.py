"""Who we are to S3 as the AWS SDK finds it out: botocore's session, and its rules of addresses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore import UNSIGNED, exceptions
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.httpsession import ProxyConfiguration
from botocore.session import Session
from botocore.utils import get_environ_proxies

from cryoem_cloud.stores.s3.faults import (
    CONFIG,
    EXPIRED,
    NO_CREDENTIALS,
    NO_PROFILE,
    SOURCE,
    UNUSABLE,
    Fault,
    UnfitError,
)
from cryoem_cloud.stores.s3.plain import AMAZON, DEFAULT_REGION, usual_certificates
from cryoem_cloud.stores.s3.signing import Keys

__all__ = ["LOCAL", "SdkIdentity", "sdk_identity"]

LOCAL: tuple[tuple[type[BotoCoreError], Fault], ...] = (
    (exceptions.NoCredentialsError, NO_CREDENTIALS),
    (exceptions.PartialCredentialsError, NO_CREDENTIALS),
    (exceptions.ProfileNotFound, NO_PROFILE),
    (exceptions.SSOError, EXPIRED),
    (exceptions.LoginError, EXPIRED),
    (exceptions.TokenRetrievalError, EXPIRED),
    (exceptions.CredentialRetrievalError, SOURCE),
    (exceptions.ConfigParseError, CONFIG),
    (exceptions.InvalidConfigError, CONFIG),
)
"""By botocore's own exception; the first that fits."""
_STALE = (
    exceptions.NoCredentialsError,
    exceptions.SSOError,
    exceptions.LoginError,
    exceptions.TokenRetrievalError,
    exceptions.CredentialRetrievalError,
)
_FILES = {
    "AWS_CONFIG_FILE": "config_file",
    "AWS_SHARED_CREDENTIALS_FILE": "credentials_file",
    "AWS_CA_BUNDLE": "ca_bundle",
}
_PROBE = "k"


class SdkIdentity:
    """A session's."""

    def __init__(self, session: Session, env: Mapping[str, str]) -> None:
        self._session = session
        self._endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or None
        region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
        self.region: str = region or session.get_config_variable("region") or DEFAULT_REGION
        named = session.get_config_variable("ca_bundle") or env.get("REQUESTS_CA_BUNDLE")
        self.certificates: str = named or usual_certificates()

    def keys(self) -> Keys:
        """See `Identity`."""
        with _translated():
            found = self._session.get_credentials()
            if found is None:
                raise exceptions.NoCredentialsError
            frozen = found.get_frozen_credentials()
            return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")

    def root(self, bucket: str, region: str) -> str:
        """See `Identity`; where botocore would look for it. Asks nobody."""
        with _translated():
            client = self._client(region)
            url: str = client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": _PROBE}
            )
            client.close()
        return url.partition("?")[0].removesuffix(f"/{_PROBE}")

    def proxy(self, root: str) -> tuple[str, Mapping[str, str]]:
        """See `Identity`; what the environment names, as botocore reads it."""
        found = ProxyConfiguration(get_environ_proxies(root))
        proxy = found.proxy_url_for(root)
        return (proxy, found.proxy_headers_for(proxy)) if proxy else ("", {})

    def _client(self, region: str) -> BaseClient:
        """One that is never asked anything.

        A bucket whose name does not fit into a host's is addressed by path all the same. ("auto"
        does that too, but then presigned URLs, which tell where a bucket is, name no region.)
        """
        if self._endpoint and not _is_amazons(self._endpoint):
            return self._made("path", region)
        client = self._made("virtual", region)
        if _is_amazons(client.meta.endpoint_url):
            return client
        client.close()  # the AWS files name a server
        return self._made("path", region)

    def _made(self, addressing: str, region: str) -> BaseClient:
        config = Config(s3={"addressing_style": addressing}, signature_version=UNSIGNED)
        return self._session.create_client(
            "s3", config=config, region_name=region, endpoint_url=self._endpoint
        )


def sdk_identity(env: Mapping[str, str]) -> SdkIdentity:
    """What the SDK makes of the environment and the AWS files; asks nobody.

    Raises:
        UnfitError: There is no such profile, or the files cannot be used.
    """
    with _translated():
        session = Session(profile=env.get("AWS_PROFILE") or None)
        for variable, name in _FILES.items():
            if env.get(variable):
                session.set_config_variable(name, env[variable])
        if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
            session.set_credentials(
                env["AWS_ACCESS_KEY_ID"],
                env["AWS_SECRET_ACCESS_KEY"],
                env.get("AWS_SESSION_TOKEN"),
            )
        return SdkIdentity(session, env)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except BotoCoreError as error:
        fault = next((fault for kind, fault in LOCAL if isinstance(error, kind)), UNUSABLE)
        raise UnfitError(fault, str(error), stale=isinstance(error, _STALE)) from error


def _is_amazons(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(AMAZON)
