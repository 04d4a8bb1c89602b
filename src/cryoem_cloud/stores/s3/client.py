"""Who we are to S3, and where it is: credentials, region, address, connections."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from botocore.client import BaseClient
from botocore.config import Config
from botocore.handlers import add_expect_header
from botocore.httpsession import get_cert_path
from botocore.model import OperationModel
from botocore.session import Session
from botocore.utils import determine_content_length

from cryoem_cloud.stores.egress import s3_egress_usd_per_gb, s3_keeping_usd

__all__ = ["CONNECTIONS", "Access", "Made"]

CONNECTIONS = 64
"""Requests that may be under way at a time."""
_CONNECT_TIMEOUT_S = 2.5
_READ_TIMEOUT_S = 20.0
"""Between two pieces of an answer, so that a silent server is noticed in about that time.

The one request that may last for minutes is the completion of an upload in parts. Amazon answers it
at once with a status and sends white space until it is done, which counts as pieces. A server that
is silent for longer is asked again: a completion may be repeated, and one that was carried out
meanwhile is found by its object. An answer's time begins when the whole request has been sent.
"""
_MUCH_BYTES = 128 * 1024
_DEFAULT_REGION = "us-east-1"
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
_VARIABLES = {
    "AWS_CONFIG_FILE": "config_file",
    "AWS_SHARED_CREDENTIALS_FILE": "credentials_file",
    "AWS_CA_BUNDLE": "ca_bundle",
}


@dataclass(frozen=True, slots=True)
class Made:
    """A client, the session that it was made of, and what a server's certificate is checked by."""

    client: BaseClient
    session: Session
    certificates: str
    """A file's name."""


class Access:
    """A client made of the environment and the AWS files, when it is first needed. Thread-safe.

    Credentials are looked for as the AWS command line does: variables, profile, SSO, the machine's
    role. AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL say which server, if not Amazon's.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._lock = threading.Lock()
        self._made: Made | None = None

    @property
    def egress_usd_per_gb(self) -> Decimal:
        """List price of bringing a GB home from the server that the environment names."""
        return s3_egress_usd_per_gb(self._env)

    @property
    def keeping_usd(self) -> tuple[Decimal, Decimal]:
        """List prices there of a GB in a month, and of 1,000 requests that write or list."""
        return s3_keeping_usd(self._env)

    def client(self) -> BaseClient:
        """The client; the same for every caller."""
        return self.made().client

    def made(self) -> Made:
        """The client, and what requests of our own need to be like its."""
        with self._lock:
            if self._made is None:
                self._made = _made(self._env)
            return self._made

    def renewed(self, stale: BaseClient) -> BaseClient:
        """A client whose credentials were read again since `stale` was made."""
        with self._lock:
            if self._made and self._made.client is stale:
                self._made = None
        return self.client()


def _made(env: Mapping[str, str]) -> Made:
    session = _session(env)
    named = session.get_config_variable("ca_bundle") or env.get("REQUESTS_CA_BUNDLE")
    certificates = named or get_cert_path(True)  # noqa: FBT003  (as botocore itself chooses)
    return Made(client=_client(session, env), session=session, certificates=certificates)


def _session(env: Mapping[str, str]) -> Session:
    session = Session(profile=env.get("AWS_PROFILE") or None)
    for variable, name in _VARIABLES.items():
        if env.get(variable):
            session.set_config_variable(name, env[variable])
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        session.set_credentials(
            env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN")
        )
    return session


def _client(session: Session, env: Mapping[str, str]) -> BaseClient:
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    arguments = {
        "region_name": region or session.get_config_variable("region") or _DEFAULT_REGION,
        "endpoint_url": env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or None,
    }
    # A bucket whose name does not fit into a host's is addressed by path all the same. ("auto" does
    # that too, but then presigned URLs, which tell `place` where a bucket is, name no region.)
    # Over TLS the CRC guards the body; hashing it once more for the signature would cost a core.
    amazons = _config("virtual", signed=False)
    others = _config("path", signed=True)
    named = arguments["endpoint_url"]
    config = others if named and not _is_amazons(named) else amazons
    client = session.create_client("s3", config=config, **arguments)
    if config is amazons and not _is_amazons(client.meta.endpoint_url):
        client.close()  # the AWS files name a server
        client = session.create_client("s3", config=others, **arguments)
    client.meta.events.unregister("before-call.s3", add_expect_header)
    client.meta.events.register("before-call.s3", _ask_before_sending_much)
    return client


def _is_amazons(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(_AMAZON)


def _ask_before_sending_much(
    model: OperationModel, params: Mapping[str, Any], **rest: object
) -> None:
    """Wait for the server's word before a large body, which it may refuse; not before a record.

    That word costs a round trip. Without it, a server that refuses a body which is still under way
    hangs up, and its reason is lost.
    """
    if (determine_content_length(params.get("body")) or 0) > _MUCH_BYTES:
        add_expect_header(model, params, **rest)


def _config(addressing: str, *, signed: bool) -> Config:
    return Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1, "mode": "standard"},  # stores/patient tries again
        s3={"addressing_style": addressing, "payload_signing_enabled": signed},
        tcp_keepalive=True,
        user_agent_extra="cryoem-cloud-tools",
    )
