"""The contract of parts on real S3 servers, and what some of them cannot do."""

import pytest

from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.parts_contract import PartsContract
from cryoem_cloud.testing.s3_servers import S3Server


class TestOnSeaweedFS(PartsContract):
    @pytest.fixture
    def store(self, weed_server: S3Server) -> Store:
        return open_store(weed_server.bucket(), env=weed_server.env())


class TestOnMiniStack(PartsContract):
    @pytest.fixture
    def store(self, ministack_server: S3Server) -> Store:
        return open_store(ministack_server.bucket() + "/below/it", env=ministack_server.env())
