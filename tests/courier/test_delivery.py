"""Which courier brings a job home, where several stand by."""

import pytest

from cryoem_cloud.courier.homeward.delivery import Delivery
from cryoem_cloud.model.machine import DEAD_AFTER_S
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.clock import StoppedClock


@pytest.fixture
def records() -> JobRecords:
    return JobRecords(MemoryStore(), "p-00000000", 1)


def test_a_courier_that_has_just_taken_a_job_over_keeps_it(records: JobRecords) -> None:
    """Its first beat is like the last one of the courier that died."""
    clock = StoppedClock()
    assert records.deliveries().claim("died")
    records.put_beat("died", 1)
    quick, late = Delivery(records, "quick", clock), Delivery(records, "late", clock)
    assert not quick.ours()
    assert not late.ours()
    clock.pass_(DEAD_AFTER_S)
    assert quick.ours()
    quick.rest()
    assert records.beat("quick") == records.beat("died")
    assert not late.ours()
    clock.pass_(DEAD_AFTER_S)
    assert late.ours()
    late.rest()
