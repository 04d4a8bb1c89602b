"""A job's fleet grows at AWS: a group beside a group, each with what ends it, whoever is killed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from cryoem_cloud.courier.machines.manning import Manning
from cryoem_cloud.courier.means import Means
from cryoem_cloud.providers.aws.calls import Calls
from tests.courier.conftest import Bench, bench
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.noboot import NoBoot

from .conftest import AwsBench

__all__ = ["bench"]

_MOST = 6


class KilledError(BaseException):
    """The courier is gone."""


class Mortal(Calls):
    """Calls of a courier that is killed after so many more of them (None: never)."""

    left: int | None = None

    def ask(
        self, service: str, action: str, *, expected: tuple[str, ...] = (), **asked: object
    ) -> dict[str, Any]:
        if self.left == 0:
            raise KilledError
        found = super().ask(service, action, expected=expected, **asked)
        self.left = None if self.left is None else self.left - 1
        return found


class Growing:
    """A job that may have six machines at AWS, of which so many are wanted as `wish` says."""

    def __init__(self, job: Bench, aws: AwsBench) -> None:
        given = job.slip.job
        wish = replace(given.wish, count=_MOST, machine="m5.large,m5a.large")
        job.slip = replace(job.slip, job=replace(given, wish=wish))
        self.job, self.aws, self.wish = job, aws, 1
        self.calls = Mortal(aws.env, aws.calls.region)

    def courier(self) -> Manning:
        """A new one."""
        provider = self.aws.provider
        provider.calls = self.calls
        means: Means = self.job.means("courier-1", provider)
        records = self.job.records
        return Manning(
            means,
            self.job.slip,
            records,
            records.turns("main"),
            tasks=100,
            wanted=lambda there, most: min(max(self.wish, there), most),
        )

    def groups(self) -> Mapping[str, tuple[int, int, int]]:
        """Of each fleet: its least, wanted and most machines."""
        found = self.aws.ask("autoscaling", "describe_auto_scaling_groups")["AutoScalingGroups"]
        return {
            each["AutoScalingGroupName"].rpartition("-")[2]: (
                each["MinSize"],
                each["DesiredCapacity"],
                each["MaxSize"],
            )
            for each in found
        }

    def timers(self) -> list[tuple[str, str]]:
        """What ends which fleet."""
        said = self.aws.ask("autoscaling", "describe_scheduled_actions")
        return sorted(
            (each["AutoScalingGroupName"].rpartition("-")[2], each["ScheduledActionName"])
            for each in said["ScheduledUpdateGroupActions"]
        )


def test_a_fleet_grows_by_another_group_and_each_has_its_timers(bench: Bench) -> None:
    machines = NoBoot()
    with Cloud(machines=machines) as cloud:
        growing = Growing(bench, AwsBench(cloud, machines))
        courier = growing.courier()
        courier.keep()
        cloud.clock.skip(60)
        growing.wish = 4
        for _ in range(3):
            courier.keep()
            cloud.clock.skip(60)
        assert growing.groups() == {"1": (0, 1, 1), "2": (0, 3, 3)}
        assert growing.timers() == [("1", "hard"), ("1", "lapse"), ("2", "hard"), ("2", "lapse")]
        assert len(cloud.living()) == 4


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "killed_at", [(8,), pytest.param(range(60), marks=pytest.mark.soak)], ids=["once", "any call"]
)
def test_a_courier_that_is_killed_is_followed_by_one_that_comes_to_full_strength(
    bench: Bench, killed_at: Sequence[int]
) -> None:
    """Each time another job of another account, until a courier has come through its launch."""
    for calls in killed_at:
        number = 1000 + calls
        bench.slip = replace(bench.slip, job=replace(bench.slip.job, number=number))
        if came_through(bench, calls):
            assert calls > 8, "it was killed in the middle of its launch"
            return


def came_through(bench: Bench, calls: int) -> bool:
    """Whether a courier got by with so many calls; if not, another one has done it by now."""
    machines = NoBoot()
    with Cloud(machines=machines) as cloud:
        growing = Growing(bench, AwsBench(cloud, machines))
        courier = growing.courier()
        courier.keep()
        cloud.clock.skip(60)
        growing.wish, growing.calls.left = _MOST, calls
        try:
            for _ in range(3):
                courier.keep()
        except KilledError:
            growing.calls.left = None
        else:
            return True
        courier = growing.courier()
        for _ in range(3):
            courier.keep()
            cloud.clock.skip(60)
        assert growing.job.records.launches() == 2
        assert len(cloud.living()) == _MOST
        return False
