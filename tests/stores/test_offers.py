"""What was about to be bought, as the store has it."""

import pytest

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.keys import launch_key
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore

_PROJECT = "lab-0a1b2c3d"


@pytest.fixture
def records() -> JobRecords:
    return JobRecords(MemoryStore(), _PROJECT, 7)


@pytest.mark.parametrize(
    "launch",
    [
        Launch(),
        Launch(offer=Offer(("g6.xlarge",), Market.SPOT)),
        Launch(offer=Offer(("a", "b"), Market.ON_DEMAND), count=3, beside=(1, 2)),
    ],
)
def test_a_launch_is_read_as_it_was_written(records: JobRecords, launch: Launch) -> None:
    records.put_launch(1, "aws", "token", launch)
    records.put_launch(1, "aws", "token", Launch(offer=Offer(("other",)), count=7))
    assert records.launch(1) == launch


def test_a_market_that_there_is_not_is_said(records: JobRecords) -> None:
    data = b'{"kind":"launch","v":1,"provider":"aws","token":"t","market":"moon"}'
    records.store.put(launch_key(_PROJECT, 7, 1), data)
    with pytest.raises(FormatError, match="there is no market 'moon'"):
        records.launch(1)
