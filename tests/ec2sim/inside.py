"""How the simulated AWS uses itself, as CloudFormation uses EC2, S3 and IAM for whoever asks it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from moto import settings
from moto.core.botocore_stubber import MockRawResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.ec2sim.asking import Client

__all__ = ["Inside"]

Application = Any  # of WSGI


class Inside:
    """Clients whose requests never leave the process. Who asked has been judged already."""

    def __init__(self, door: Callable[[], Application]) -> None:
        self._door = door
        self._session = botocore.session.get_session()
        self._session.set_credentials("AKIAIOSFODNN7EXAMPLE", "secret")
        self._clients: dict[tuple[str, str], Client] = {}

    def client(self, service: str, region: str) -> Client:
        """For one service in one region."""
        if (service, region) not in self._clients:
            made = self._session.create_client(
                service,
                region_name=region,
                endpoint_url="http://127.0.0.1",
                config=Config(retries={"total_max_attempts": 1}),
            )
            made.meta.events.register("before-send", self._send)
            self._clients[service, region] = made
        return self._clients[service, region]

    def _send(self, request: AWSPreparedRequest, **rest: object) -> AWSResponse:
        path, _, query = request.url.removeprefix("http://127.0.0.1").partition("?")
        builder = EnvironBuilder(
            path=path or "/",
            query_string=query,
            method=request.method,
            headers={
                name: value.decode() if isinstance(value, bytes) else value
                for name, value in request.headers.items()
            },
            data=request.body or b"",
        )
        with _everybody_may():
            body, status, headers = run_wsgi_app(self._door(), builder.get_environ(), buffered=True)
        return AWSResponse(
            request.url, int(status.split()[0]), headers, MockRawResponse(b"".join(body))
        )


@contextmanager
def _everybody_may() -> Iterator[None]:
    before = settings.INITIAL_NO_AUTH_ACTION_COUNT
    settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")
    try:
        yield
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT = before
