"""The instance metadata service, version 2 alone: what a machine is told about itself."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from cryoem_cloud.model.errors import ProviderError, ProviderUnreachableError

__all__ = ["Credentials", "Metadata", "seconds_until"]

_ENDPOINT = "http://169.254.169.254"
_TIMEOUT_S = 1.0
"""It answers within milliseconds, from the machine's own host."""
_TOKEN_S = 21600
_TOKEN_SPARE_S = 300.0
_RENEW_S = 600.0
"""Before their end; EC2 has new ones "at least five minutes prior" to that (user guide)."""
_ASKED = "meta-data/"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The role's, for some hours; never printed."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    until: datetime


@dataclass
class Metadata:
    """Asks the service at AWS_EC2_METADATA_SERVICE_ENDPOINT of `env`, else at its usual address.

    Each look asks anew, but for credentials and the session's token, which are kept until they are
    about to expire.

    Raises:
        ProviderUnreachableError: From each look: the service does not answer.
    """

    env: Mapping[str, str]
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _token: str = field(default="", repr=False)
    _token_until_s: float = 0.0
    _credentials: Credentials | None = field(default=None, repr=False)

    @property
    def instance_id(self) -> str:
        """This machine's."""
        return self._required("instance-id")

    @property
    def region(self) -> str:
        """Where it is."""
        return self._required("placement/region")

    @property
    def zone(self) -> str:
        """In which availability zone."""
        return self._required("placement/availability-zone")

    @property
    def kind(self) -> str:
        """The instance's type."""
        return self._required("instance-type")

    @property
    def market(self) -> str:
        """At which price it runs: on-demand or spot."""
        return self._required("instance-life-cycle")

    def tags(self) -> Mapping[str, str]:
        """Its tags; none where the machine is not told."""
        names = (self._text("tags/instance/") or "").split()
        return {name: self._text(f"tags/instance/{name}") or "" for name in names}

    def credentials(self) -> Credentials:
        """The role's credentials, good for some minutes at least, as far as EC2 has such.

        Raises:
            ProviderError: The machine has no role.
        """
        kept = self._credentials
        if kept is None or seconds_until(kept.until, self.now()) < _RENEW_S:
            kept = self._credentials = self._new_credentials()
        return kept

    def taken_at(self) -> datetime | None:
        """When EC2 takes this Spot machine; None while it does not mean to."""
        said = self._text("spot/instance-action")
        return _instant(str(_record(said).get("time", ""))) if said else None

    def in_danger(self) -> bool:
        """Whether EC2 recommends to replace this Spot machine, as it may be taken."""
        return self._text("events/recommendations/rebalance") is not None

    def _new_credentials(self) -> Credentials:
        role = self._text("iam/security-credentials/")
        if not role:
            raise ProviderError(
                "this machine has no role", hint="launch it with the project's instance profile"
            )
        given = _record(self._required(f"iam/security-credentials/{role.split()[0]}"))
        return Credentials(
            access_key=str(given.get("AccessKeyId", "")),
            secret_key=str(given.get("SecretAccessKey", "")),
            token=str(given.get("Token", "")),
            until=_instant(str(given.get("Expiration", ""))),
        )

    def _required(self, path: str) -> str:
        found = self._text(path)
        if found is None:
            raise ProviderError(f"the machine's metadata has no {path}", hint="is this EC2?")
        return found

    def _text(self, path: str) -> str | None:
        """What the service says at a path; None where there is nothing."""
        said = 0
        for _ in range(2):
            headers = {"X-aws-ec2-metadata-token": self._session()}
            try:
                return self._ask(Request(self._url(_ASKED + path), headers=headers))  # noqa: S310
            except HTTPError as error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return None
                self._token = ""  # EC2 forgets tokens when a machine is stopped
                said = error.code
        raise ProviderError(f"the machine's metadata answers {said} for {path}")

    def _session(self) -> str:
        if not self._token or time.monotonic() >= self._token_until_s:
            headers = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_S)}
            asked = Request(self._url("api/token"), method="PUT", headers=headers)  # noqa: S310
            try:
                self._token = self._ask(asked)
            except HTTPError as error:
                raise ProviderError(f"the machine's metadata gives no token: {error}") from error
            self._token_until_s = time.monotonic() + _TOKEN_S - _TOKEN_SPARE_S
        return self._token

    def _url(self, path: str) -> str:
        endpoint = self.env.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _ENDPOINT
        return f"{endpoint.rstrip('/')}/latest/{path}"

    def _ask(self, request: Request) -> str:
        try:
            # Never by way of a proxy: that would have another machine's metadata.
            with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT_S) as answer:
                said: bytes = answer.read()
        except HTTPError as error:
            error.close()
            raise
        except (URLError, OSError, HTTPException) as error:
            raise ProviderUnreachableError(f"no metadata of this machine: {error}") from error
        return said.decode()


def seconds_until(at: datetime, now: datetime) -> float:
    """How long it is until then; 0 where it is past."""
    return max(0.0, (at - now).total_seconds())


def _record(said: str) -> Mapping[str, object]:
    try:
        found = json.loads(said)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProviderError(f"the machine's metadata is no record: {said[:80]!r}")
    return found


def _instant(said: str) -> datetime:
    """As EC2 writes it: 2026-01-01T00:00:00Z."""
    try:
        return datetime.strptime(said, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise ProviderError(f"the machine's metadata has no instant: {said!r}") from error
