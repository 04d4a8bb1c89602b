"""Objects in parts: the stores in this process, and those that hold another one."""

from pathlib import Path

import pytest

from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.counted import Counted
from cryoem_cloud.stores.held import Held
from cryoem_cloud.stores.known import Known
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.testing.faults import Fault, FaultyStore
from cryoem_cloud.testing.parts_contract import PartsContract


class TestMemoryParts(PartsContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestHeldParts(PartsContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        inner = Held(FaultyStore(MemoryStore(), lambda *_: Fault.NONE))
        return Known(Patient(Counted(inner), Patience(8.0)), tmp_path / "memory")
