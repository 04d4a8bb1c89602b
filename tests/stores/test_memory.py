"""The store in this process."""

import pytest

from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()
