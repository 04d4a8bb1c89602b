"""What AWS bills, asked of a simulated Cost Explorer."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from cryoem_cloud.model.billed import Billed, Item
from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.bill import COST_EXPLORER, billed, item_of
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import PROJECT, STACK
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What

EC2, OTHER, S3 = (
    "Amazon Elastic Compute Cloud - Compute",
    "EC2 - Other",
    "Amazon Simple Storage Service",
)
OURS = {STACK: "cryoem", PROJECT: "lab-0a1b2c3d"}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        made.bill.activated = {STACK, PROJECT}
        made.bill.today = lambda: date(2026, 11, 29)
        for day, service, kind, usd, tags in (
            (date(2026, 10, 31), EC2, "USW2-SpotUsage:g6.xlarge", "7.5", OURS),
            (date(2026, 11, 1), EC2, "USW2-SpotUsage:g6.xlarge", "1.2345678901", OURS),
            (date(2026, 11, 2), EC2, "USW2-SpotUsage:g6.xlarge", "2", OURS),
            (date(2026, 11, 2), OTHER, "USW2-EBS:VolumeUsage.gp3", "0.25", OURS),
            (date(2026, 11, 3), EC2, "USW2-BoxUsage:g6.xlarge", "64", {STACK: "else"}),
            (date(2026, 11, 3), S3, "USW2-TimedStorage-ByteHrs", "3", {STACK: "cryoem"}),
        ):
            made.bill.add(day, service, kind, usd, tags=tags)
        made.bill.add(date(2026, 11, 4), EC2, "EU-BoxUsage", "9", region="eu-west-1", tags=OURS)
        yield made


@pytest.fixture
def calls(cloud: Cloud) -> Calls:
    env = {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    return Calls(env, COST_EXPLORER)


def asked(calls: Calls, start: date = date(2026, 11, 1)) -> list[Billed]:
    return billed(calls, stack="cryoem", region="us-west-2", start=start, end=date(2026, 12, 1))


def in_short(found: list[Billed]) -> set[tuple[str, Item, str, Decimal]]:
    return {(each.month, each.item, each.project, each.usd) for each in found}


OF_NOVEMBER = {
    ("2026-11", Item.SPOT, "lab-0a1b2c3d", Decimal("3.2345678901")),
    ("2026-11", Item.DISKS, "lab-0a1b2c3d", Decimal("0.25")),
    ("2026-11", Item.STORE, "", Decimal(3)),
}


def test_a_months_bill_is_that_of_the_stack_in_its_region(calls: Calls) -> None:
    found = asked(calls)
    assert in_short(found) == OF_NOVEMBER
    assert all(each.estimated for each in found)


def test_months_are_apart_and_one_that_is_over_is_final(calls: Calls) -> None:
    found = asked(calls, date(2026, 9, 1))
    of_october = ("2026-10", Item.SPOT, "lab-0a1b2c3d", Decimal("7.5"))
    assert in_short(found) == OF_NOVEMBER | {of_october}
    assert [each.month for each in found if not each.estimated] == ["2026-10"]


def test_a_long_answer_comes_page_by_page(calls: Calls, cloud: Cloud) -> None:
    cloud.bill.a_page = 2
    assert len(asked(calls, date(2026, 9, 1))) == len(OF_NOVEMBER) + 1
    assert cloud.door.calls == ["ce.GetCostAndUsage"] * 2


def test_tags_that_are_not_activated_are_on_nothing(calls: Calls, cloud: Cloud) -> None:
    cloud.bill.activated = set()
    assert asked(calls) == []


@pytest.mark.parametrize(
    ("code", "hint"),
    [("AccessDeniedException", "ce:GetCostAndUsage"), ("DataUnavailableException", "open it once")],
)
def test_who_gets_no_answer_is_told_what_to_do(
    calls: Calls, cloud: Cloud, code: str, hint: str
) -> None:
    cloud.faults.plan(What.REFUSED, "GetCostAndUsage", error=(code, "No"))
    with pytest.raises(ProviderError, match=r"Cost Explorer: No \(") as told:
        asked(calls)
    assert hint in told.value.hint


def test_a_month_that_has_not_begun_is_refused_by_aws(calls: Calls) -> None:
    with pytest.raises(ProviderError, match="future"):
        billed(
            calls,
            stack="cryoem",
            region="us-west-2",
            start=date(2027, 1, 1),
            end=date(2027, 2, 1),
        )


@pytest.mark.parametrize(
    ("usage_type", "item"),
    [
        ("BoxUsage:g6.xlarge", Item.ON_DEMAND),
        ("EU-BoxUsage", Item.ON_DEMAND),
        ("APS2-SpotUsage:c7i.8xlarge", Item.SPOT),
        ("USE2-EBS:VolumeUsage.gp3", Item.DISKS),
        ("EBS:VolumeP-Throughput.gp3", Item.DISKS),
        ("USW2-EBS:SnapshotUsage", Item.OTHER),
        ("USW2-DataTransfer-Out-Bytes", Item.HOME),
        ("USW2-DataTransfer-Regional-Bytes", Item.TRAFFIC),
        ("USW2-USE1-AWS-Out-Bytes", Item.TRAFFIC),
        ("PublicIPv4:InUseAddress", Item.ADDRESSES),
        ("USW2-TimedStorage-GDA-ByteHrs", Item.STORE),
        ("Requests-Tier1", Item.REQUESTS),
        ("USW2-UnusedBox:g6.xlarge", Item.OTHER),
    ],
)
def test_usage_types_say_what_was_paid_for(usage_type: str, item: Item) -> None:
    assert item_of(usage_type) is item
