"""The ledger beside the bill: nothing is left out, nothing is counted twice."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.billed import Billed, Item, reconciled
from cryoem_cloud.model.charge import Charge, What

PROJECT, REGION = "lab-0a1b2c3d", "us-west-2"
MONTHS = st.sampled_from(["2026-10", "2026-11"])
USD = st.decimals(0, 1000, places=10)

charges = st.builds(
    Charge,
    what=st.sampled_from(What),
    project=st.just(PROJECT),
    job=st.just(7),
    month=MONTHS,
    usd=st.none() | USD,
    market=st.sampled_from(["", "spot", "on-demand"]),
    region=st.sampled_from([REGION, "", "eu-west-1"]),
)
lines = st.builds(
    Billed,
    month=MONTHS,
    item=st.sampled_from(Item),
    name=st.sampled_from(["a", "b"]),
    usd=USD,
    project=st.sampled_from([PROJECT, "", "other-0a1b2c3d"]),
    estimated=st.booleans(),
)


@given(st.lists(charges), st.lists(lines))
def test_every_dollar_is_in_one_sum(ours: list[Charge], theirs: list[Billed]) -> None:
    found = reconciled(ours, theirs, project=PROJECT, region=REGION)
    assert len({(each.month, each.item) for each in found}) == len(found)
    of_stores = {What.EGRESS, What.STORE, What.REQUESTS}
    there = [e for e in ours if e.what in of_stores or e.region == REGION]
    assert sum(each.ledger for each in found) == sum(each.usd or 0 for each in there)
    billed = [e for e in theirs if e.project != "other-0a1b2c3d"]
    assert sum(each.billed for each in found) == sum(each.usd for each in billed)
    assert all(each.remainder == each.billed - each.ledger for each in found)
    assert [e.month for e in found] == sorted(e.month for e in found)


def test_what_only_one_side_knows_is_shown() -> None:
    spot = Charge(
        what=What.MACHINE,
        project=PROJECT,
        job=7,
        month="2026-11",
        usd=Decimal(2),
        market="spot",
        region=REGION,
    )
    files = Billed(month="2026-11", item=Item.STORE, name="TimedStorage-ByteHrs", usd=Decimal(3))
    one, other = reconciled([spot], [files], project=PROJECT, region=REGION)
    assert (one.item, one.ledger, one.billed, one.shared) == (
        Item.SPOT,
        Decimal(2),
        Decimal(0),
        False,
    )
    assert (other.item, other.ledger, other.billed, other.shared) == (
        Item.STORE,
        Decimal(0),
        Decimal(3),
        True,
    )
    assert one.to_json()["remainder_usd"] == "-2"
