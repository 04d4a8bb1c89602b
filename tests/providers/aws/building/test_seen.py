"""A builder that its laptop has left: other computers see it, and end it."""

from collections.abc import Callable

import pytest

from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.model.record import JSON
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.building.builder import Builder
from cryoem_cloud.providers.aws.building.recipe import planned
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import build_token, build_until
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.providers.aws.stack.setup import Done
from cryoem_cloud.wiring.clock import SystemClock
from tests.providers.aws.building.conftest import RECIPE, Bench

TOKEN = build_token("relion", 1800000000)


@pytest.fixture
def left(bench: Bench) -> str:
    """The builder's id."""
    prices = bench.calls.elsewhere("us-east-1")
    builder = Builder(
        calls=bench.calls,
        account=bench.done.account,
        plan=planned(bench.calls, prices, bench.done.account, RECIPE),
        token=TOKEN,
        owner="root@desk",
        sleep=bench.lab.sleep,
        say=bench.said.append,
    )
    machine = builder.launch()
    bench.lab.sleep(60)
    return machine


@pytest.fixture
def provider(bench: Bench, user: Callable[[Done], Calls]) -> AwsProvider:
    """A user's."""
    return AwsProvider(
        account=bench.done.account,
        calls=user(bench.done),
        clock=SystemClock(),
        user_data=lambda *_: "#!/bin/sh\n",
        fresh_s=0.0,
    )


def test_it_is_listed_and_ended_by_its_name(bench: Bench, provider: AwsProvider, left: str) -> None:
    assert provider.tokens() == (TOKEN,)
    assert [each.name for each in provider.look(TOKEN).alive] == [left]
    provider.dismiss(left)
    bench.lab.sleep(60)
    assert bench.lab.cloud.living() == []
    assert provider.tokens() == ()


def test_it_is_ended_with_its_token(bench: Bench, provider: AwsProvider, left: str) -> None:
    assert left
    provider.end(TOKEN)
    provider.forget(TOKEN)
    bench.lab.sleep(60)
    assert bench.lab.cloud.living() == []


def test_its_token_says_until_when() -> None:
    assert build_until(TOKEN) == 1800000000
    assert build_until("apo-1a2b3c4d-00000007-1") is None


def test_machines_disks_are_as_large_as_their_image(bench: Bench, provider: AwsProvider) -> None:
    """EC2 refuses smaller ones; what a template says is seen when the group launches."""
    made = bench.build(disk_gib=75)
    order = Order(
        token="lab-0a1b2c3d-00000007-1",
        store=bench.done.account.store,
        project="lab-0a1b2c3d",
        job=7,
        count=1,
        offer=Offer(("m5.large",), Market.ON_DEMAND),
        image="relion",
    )
    provider.keep(order)
    versions = bench.lab.client("ec2").describe_launch_template_versions(
        LaunchTemplateName=order.token
    )
    data: JSON = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert data["ImageId"] == made.images[bench.calls.region]
    assert data["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 75
    provider.end(order.token)
    bench.lab.sleep(120)
    assert bench.lab.cloud.living() == []
