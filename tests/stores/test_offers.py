"""What was about to be bought, as the store has it."""

import pytest

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.keys import launch_key
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore

_PROJECT = "lab-0a1b2c3d"


@pytest.fixture
def records() -> JobRecords:
    return JobRecords(MemoryStore(), _PROJECT, 7)


@pytest.mark.parametrize(
    "offer", [Offer(), Offer(("g6.xlarge",), Market.SPOT), Offer(("a", "b"), Market.ON_DEMAND)]
)
def test_an_offer_is_read_as_it_was_written(records: JobRecords, offer: Offer) -> None:
    records.put_launch(1, "aws", "token", offer)
    records.put_launch(1, "aws", "token", Offer(("other",)))
    assert records.launch(1) == offer


def test_a_market_that_there_is_not_is_said(records: JobRecords) -> None:
    data = b'{"kind":"launch","v":1,"provider":"aws","token":"t","market":"moon"}'
    records.store.put(launch_key(_PROJECT, 7, 1), data)
    with pytest.raises(FormatError, match="there is no market 'moon'"):
        records.launch(1)
