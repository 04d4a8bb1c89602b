"""What Auto Scaling launches, where, and what it says where it cannot; see README.md."""

from collections import Counter
from decimal import Decimal

from tests.ec2sim.asking import Client, states
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.grouping import MINUTE, Make, activities, members, mixed, shown, spot, zones
from tests.ec2sim.noboot import NoBoot


def test_where_one_zone_is_sold_out_the_other_is_used(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    cloud.capacity.limit(0, kind="m5.large", zone="us-east-1a")
    make(DesiredCapacity=2)
    assert zones(autoscaling) == {"us-east-1b": 2}


def test_a_launch_that_failed_is_told_and_tried_again_later_and_later(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    cloud.capacity.limit(0, kind="m5.large")
    make(DesiredCapacity=1)
    cloud.clock.skip(10 * MINUTE)
    failed = activities(autoscaling)
    assert 3 <= len(failed) <= 8
    assert {each["StatusCode"] for each in failed} == {"Failed"}
    assert failed[0]["StatusMessage"].startswith("We currently do not have sufficient m5.large")
    assert failed[0]["StatusMessage"].endswith("capacity. Launching EC2 instance failed.")
    cloud.capacity.restore()
    cloud.clock.skip(10 * MINUTE)
    assert len(members(autoscaling)) == 1


def test_a_quota_is_told_in_its_words(cloud: Cloud, autoscaling: Client, make: Make) -> None:
    cloud.quotas.set("L-1216C47A", 2)
    make(DesiredCapacity=2)
    assert len(members(autoscaling)) == 1
    message = activities(autoscaling)[0]["StatusMessage"]
    assert message.startswith("You have requested more vCPU capacity than your current vCPU limit")
    cloud.quotas.set("L-34B43A08", 0)
    make(AutoScalingGroupName="s", DesiredCapacity=1, MixedInstancesPolicy=spot("m5.large"))
    found = autoscaling.describe_scaling_activities(AutoScalingGroupName="s")["Activities"]
    assert found[0]["StatusMessage"] == (
        "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count "
        "exceeded. Launching EC2 instance failed."
    )


def test_spot_is_launched_where_it_is_cheapest_and_to_be_had(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    for zone in ("us-east-1a", "us-east-1b"):
        cloud.prices.set_spot("m5a.large", zone, Decimal("0.01"))
        cloud.prices.set_spot("m6i.large", zone, Decimal("0.02"))
    cloud.capacity.limit(1, kind="m5a.large", market="spot")
    make(DesiredCapacity=2, MixedInstancesPolicy=spot("m6i.large", "m5a.large"))
    seen = [cloud.instance(each) for each in members(autoscaling)]
    assert sorted(each.type for each in seen) == ["m5a.large", "m6i.large"]
    assert {each.market for each in seen} == {"spot"}
    cloud.capacity.limit(0, market="spot")
    autoscaling.set_desired_capacity(AutoScalingGroupName="g", DesiredCapacity=3)
    cloud.clock.skip(MINUTE)
    assert activities(autoscaling)[0]["StatusMessage"] == (
        "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity "
        "available that matches your request. Launching EC2 instance failed."
    )


def test_a_spot_instance_that_was_taken_is_replaced_and_nothing_shrinks(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    make(DesiredCapacity=1, MixedInstancesPolicy=spot("m5.large"))
    (taken,) = members(autoscaling)
    cloud.interrupt(taken)
    cloud.clock.skip(5 * MINUTE)
    assert states(ec2, [taken]) == ["terminated"]
    assert len(members(autoscaling)) == 1
    assert taken not in members(autoscaling)
    assert shown(autoscaling)["DesiredCapacity"] == 1


def test_a_mixed_group_keeps_its_share_on_demand(
    cloud: Cloud, autoscaling: Client, make: Make
) -> None:
    policy = mixed(
        "m5.large",
        "c5.large",
        OnDemandBaseCapacity=1,
        OnDemandPercentageAboveBaseCapacity=50,
        OnDemandAllocationStrategy="prioritized",
    )
    make(DesiredCapacity=3, MixedInstancesPolicy=policy)
    markets = Counter(cloud.instance(each).market for each in members(autoscaling))
    assert markets == {"on-demand": 2, "spot": 1}
    listed = autoscaling.describe_auto_scaling_instances()["AutoScalingInstances"]
    assert {each["InstanceType"] for each in listed} == {"m5.large", "c5.large"} or {
        each["InstanceType"] for each in listed
    } == {"m5.large"}


def test_a_boot_that_fails_or_hangs(
    cloud: Cloud, ec2: Client, autoscaling: Client, make: Make
) -> None:
    booted: list[str] = []
    assert isinstance(cloud.machines, NoBoot)
    cloud.machines.on_boot = lambda instance: booted.append(instance.id)
    cloud.faults.fail_boots(1)
    make(DesiredCapacity=1)
    cloud.clock.skip(3 * MINUTE)
    assert booted == members(autoscaling)
    assert any(each["StatusCode"] == "Cancelled" for each in activities(autoscaling))
    cloud.faults.hang_boots(1)
    ec2.terminate_instances(InstanceIds=members(autoscaling))
    cloud.clock.skip(3 * MINUTE)
    assert len(members(autoscaling)) == 1
    assert len(booted) == 1
