"""Calls to AWS: who we are, and errors in our words."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from cryoem_cloud.providers.aws.refusals import about_credentials, code_of, translated

__all__ = ["Calls", "Refused"]

_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 30.0
_ATTEMPTS = 4
_VARIABLES = {
    "AWS_CONFIG_FILE": "config_file",
    "AWS_SHARED_CREDENTIALS_FILE": "credentials_file",
    "AWS_CA_BUNDLE": "ca_bundle",
}


class Refused(Exception):  # noqa: N818  (it is caught where a refusal is expected)
    """AWS's answer to a call, with its code and its words; for who knows what it means there."""

    def __init__(self, error: ClientError) -> None:
        super().__init__(str(error))
        self.code = code_of(error)
        self.said = str(error.response.get("Error", {}).get("Message", ""))


class Calls:
    """Clients of one region, made when they are first needed. Thread-safe.

    Credentials are looked for as the AWS command line does: variables, profile, SSO. They are read
    again after each refusal that is about them: the user may have mended them. A call is tried
    `attempts` times where the network, or AWS, fails.
    """

    def __init__(self, env: Mapping[str, str], region: str, *, attempts: int = _ATTEMPTS) -> None:
        self._env, self._attempts = env, attempts
        self.region = region
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._clients: dict[str, BaseClient] = {}

    def elsewhere(self, region: str) -> "Calls":
        """The same user's calls to another region; these, where it is theirs."""
        if region == self.region:
            return self
        other = Calls(self._env, region, attempts=self._attempts)
        with self._lock:  # a session has read botocore's models, and makes one client at a time
            self._session = self._session or _session(self._env)
            other._session, other._lock = self._session, self._lock
        return other

    def ask(
        self, service: str, action: str, *, expected: tuple[str, ...] = (), **asked: object
    ) -> dict[str, Any]:
        """Do one call, `action` as botocore names it; AWS's answer.

        Raises:
            Refused: AWS refused it with a code that is `expected`.
            ProviderError: It went wrong in any other way; the message names the call.
        """
        try:
            answer: dict[str, Any] = getattr(self._client(service), action)(**asked)
        except ClientError as error:
            if code_of(error) in expected:
                raise Refused(error) from error
            raise self._translated(error, action) from error
        except BotoCoreError as error:
            raise self._translated(error, action) from error
        return answer

    def pages(
        self, service: str, action: str, field: str, **asked: object
    ) -> Iterator[dict[str, Any]]:
        """All that a call lists under `field`, page after page.

        Raises:
            ProviderError: As in `ask`.
        """
        try:
            for page in self._client(service).get_paginator(action).paginate(**asked):
                yield from page.get(field, [])
        except (ClientError, BotoCoreError) as error:
            raise self._translated(error, action) from error

    def _translated(self, error: ClientError | BotoCoreError, action: str) -> Exception:
        if about_credentials(error):
            with self._lock:
                self._session, self._clients = None, {}
        return translated(error, what=action.replace("_", " "))

    def _client(self, service: str) -> BaseClient:
        with self._lock:
            if service not in self._clients:
                self._session = self._session or _session(self._env)
                self._clients[service] = self._session.create_client(
                    service,
                    region_name=self.region,
                    endpoint_url=self._env.get("AWS_ENDPOINT_URL") or None,
                    config=Config(
                        connect_timeout=_CONNECT_TIMEOUT_S,
                        read_timeout=_READ_TIMEOUT_S,
                        retries={"total_max_attempts": self._attempts, "mode": "standard"},
                        user_agent_extra="cryoem-cloud-tools",
                    ),
                )
            return self._clients[service]


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
