"""A fleet is launched once, whatever happens to whoever launches it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cryoem_cloud.model.errors import ProviderDeniedError, ProviderError, QuotaError
from cryoem_cloud.model.machine import Fleet, State
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.launching import hard_at
from cryoem_cloud.providers.aws.machine.lapse import LAPSE_S, lapse_at
from cryoem_cloud.providers.aws.provider import AwsProvider
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What
from tests.ec2sim.noboot import NoBoot

from .conftest import REGION, AwsBench, order

TOKEN = order().token


@pytest.fixture
def still() -> Iterator[AwsBench]:
    """An AWS whose time stands still, but where a test skips it; machines say nothing."""
    machines = NoBoot()
    with Cloud(machines=machines) as cloud:
        yield AwsBench(cloud, machines)


class KilledError(BaseException):
    """The courier is gone."""


class Killed(Calls):
    """Calls of a courier that is killed before its call number `at`, or after it."""

    def __init__(self, env: Mapping[str, str], region: str, *, at: int, after: bool) -> None:
        super().__init__(env, region)
        self.at, self.after, self.count = at, after, 0

    def ask(
        self, service: str, action: str, *, expected: tuple[str, ...] = (), **asked: object
    ) -> dict[str, Any]:
        self.count += 1
        if self.count == self.at and not self.after:
            raise KilledError
        try:
            return super().ask(service, action, expected=expected, **asked)
        finally:
            if self.count == self.at:
                raise KilledError


def courier(bench: AwsBench, calls: Calls) -> AwsProvider:
    made = bench.provider
    made.calls = calls
    return made


def group(bench: AwsBench) -> dict[str, Any]:
    found = bench.ask("autoscaling", "describe_auto_scaling_groups")["AutoScalingGroups"]
    (only,) = found
    return dict(only)


def is_launched_once(bench: AwsBench) -> None:
    bench.cloud.clock.skip(120)
    shown = group(bench)
    assert (shown["MinSize"], shown["DesiredCapacity"], shown["MaxSize"]) == (0, 2, 2)
    assert [each["ProcessName"] for each in shown["SuspendedProcesses"]] == ["AZRebalance"]
    timers = bench.ask("autoscaling", "describe_scheduled_actions")["ScheduledUpdateGroupActions"]
    assert {each["ScheduledActionName"] for each in timers} == {"hard", "lapse"}
    assert len(list(bench.cloud.life)) == 2
    fleet = bench.provider.keep(order())
    assert [machine.state for machine in fleet.machines] == [State.STARTING] * 2
    assert len(list(bench.cloud.life)) == 2


@pytest.mark.timeout(300)
@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_a_courier_killed_at_any_call_leaves_what_the_next_one_ends(
    still: AwsBench, *, after: bool
) -> None:
    """All in one account, under tokens of their own: what was begun is found, and no more made."""
    killed_at, machines = 1, 0
    while True:
        wanted = order(token=f"lab-0a1b2c3d-{killed_at:08d}-1", job=killed_at)
        calls = Killed(still.env, still.calls.region, at=killed_at, after=after)
        try:
            courier(still, calls).keep(wanted)
        except KilledError:
            killed_at += 1
        else:
            break
        still.cloud.clock.skip(60)
        still.provider.keep(wanted)
        still.cloud.clock.skip(60)
        machines += 2
        assert len(still.provider.keep(wanted).alive) == 2
        assert len(list(still.cloud.life)) == machines
    assert killed_at > 10


@pytest.mark.parametrize("what", [What.LOST_AFTER, What.LOST_BEFORE, What.THROTTLED])
@pytest.mark.parametrize(
    "action",
    [
        "CreateLaunchTemplate",
        "CreateAutoScalingGroup",
        "PutScheduledUpdateGroupAction",
        "SuspendProcesses",
        "UpdateAutoScalingGroup",
        "CreateTags",
    ],
)
def test_a_call_that_goes_wrong_is_made_again(still: AwsBench, what: What, action: str) -> None:
    still.cloud.faults.plan(what, action)
    still.provider.keep(order())
    is_launched_once(still)


def test_a_launch_that_was_broken_off_for_hours_is_ended_well(still: AwsBench) -> None:
    """The laptop was closed in the middle of it, and the empty group has lapsed meanwhile."""
    still.cloud.faults.plan(What.REFUSED, "UpdateAutoScalingGroup", error=("AccessDenied", "no"))
    with pytest.raises(ProviderDeniedError):
        still.provider.keep(order())
    still.cloud.clock.skip(2 * 3600)
    still.provider.keep(order())
    is_launched_once(still)


def test_two_couriers_launch_one_fleet(still: AwsBench) -> None:
    still.provider.keep(order())
    still.provider.keep(order())
    is_launched_once(still)


def test_a_courier_that_wakes_late_raises_nothing(still: AwsBench) -> None:
    """All machines have left, and the last one has removed the group."""
    fleet = kept(still)
    for machine in fleet.alive:
        still.leave(machine.name)
    still.ask(
        "autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=TOKEN, ForceDelete=True
    )
    still.cloud.clock.skip(120)
    again = still.provider.keep(order())
    assert again.spent
    assert [machine.state for machine in again.machines] == [State.LEFT] * 2
    assert not still.cloud.living()


def kept(bench: AwsBench) -> Fleet:
    bench.provider.keep(order())
    bench.cloud.clock.skip(60)
    return bench.provider.keep(order())


def test_a_fleet_of_which_nothing_progresses_ends_by_itself(still: AwsBench) -> None:
    kept(still)
    still.cloud.clock.skip(LAPSE_S - 100)
    assert len(still.cloud.living()) == 2
    still.cloud.clock.skip(200)
    assert not still.cloud.living()
    assert still.provider.keep(order()).spent


@pytest.mark.parametrize("deleted", [("lapse",), ("hard",), ("lapse", "hard")])
def test_what_ends_a_fleet_is_put_back_where_somebody_deletes_it(
    still: AwsBench, deleted: tuple[str, ...]
) -> None:
    kept(still)
    for name in deleted:
        still.ask(
            "autoscaling",
            "delete_scheduled_action",
            AutoScalingGroupName=TOKEN,
            ScheduledActionName=name,
        )
    still.provider.keep(order())
    timers = still.ask("autoscaling", "describe_scheduled_actions")["ScheduledUpdateGroupActions"]
    assert {each["ScheduledActionName"] for each in timers} == {"hard", "lapse"}
    lapse = next(each for each in timers if each["ScheduledActionName"] == "lapse")
    left_s = (lapse["StartTime"] - datetime.now(UTC)).total_seconds()
    assert LAPSE_S - 700 < left_s < LAPSE_S - 500 or "lapse" not in deleted
    still.cloud.clock.skip(LAPSE_S + 120)
    assert not still.cloud.living()


def test_a_group_that_is_deleted_while_it_is_looked_after_is_no_error(still: AwsBench) -> None:
    kept(still)
    provider = still.provider
    provider.fresh_s = 1000.0
    assert provider.look(TOKEN).alive
    still.ask(
        "autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=TOKEN, ForceDelete=True
    )
    still.cloud.clock.skip(60)
    assert provider.keep(order()).alive


def test_a_fleet_ends_at_its_limit_whoever_pushes(still: AwsBench) -> None:
    still.provider.keep(order(limit_s=1800))
    still.cloud.clock.skip(1800 + 500)
    assert len(still.cloud.living()) == 2
    still.cloud.clock.skip(200)
    assert not still.cloud.living()


def test_a_fleet_that_is_given_more_time_has_it(still: AwsBench) -> None:
    still.provider.keep(order(limit_s=1800))
    until = still.provider.extend(TOKEN, 1200)
    assert until is not None
    still.cloud.clock.skip(1800 + 1100)
    assert len(still.cloud.living()) == 2
    still.cloud.clock.skip(1200)
    assert not still.cloud.living()
    assert abs((until - datetime.now(UTC)).total_seconds() - 3000) < 120


def test_a_fleet_that_is_gone_gets_no_more_time(still: AwsBench) -> None:
    with pytest.raises(ProviderError, match="are gone"):
        still.provider.extend(TOKEN, 1200)


def test_timers_never_share_an_instant() -> None:
    for second in range(4):
        now = datetime(2026, 1, 1, 0, 0, second, 999999, tzinfo=UTC)
        assert hard_at(now, 3000.0).second % 2 == 1
        assert lapse_at(now).second % 2 == 0


def test_spot_that_is_taken_is_replaced_and_is_no_failure(still: AwsBench) -> None:
    fleet = kept(still)
    still.cloud.interrupt(fleet.machines[0].name, notice=0.0)
    still.cloud.clock.skip(120)
    after = still.provider.keep(order())
    assert (len(after.alive), len(after.machines), after.failures) == (2, 3, 0)


def test_where_there_are_no_such_machines_it_is_said(still: AwsBench) -> None:
    for kind in ("m5.large", "m5a.large"):
        still.cloud.capacity.limit(0, kind=kind)
    fleet = kept(still)
    assert not fleet.machines
    assert not fleet.spent
    assert "capacity" in fleet.refusal


def test_where_a_quota_is_reached_the_job_ends(still: AwsBench) -> None:
    still.cloud.quotas.set("L-34B43A08", 0, region=REGION)
    still.provider.keep(order())
    still.cloud.clock.skip(60)
    with pytest.raises(QuotaError, match="Max spot instance count exceeded"):
        still.provider.keep(order())


def test_what_was_bought_and_ended_since_the_last_look_is_not_bought_again(
    still: AwsBench,
) -> None:
    late = still.provider
    late.fresh_s = 3600.0
    late.look(TOKEN)
    still.provider.keep(order())
    still.cloud.clock.skip(60)
    still.provider.end(TOKEN)
    still.cloud.clock.skip(60)
    assert not still.cloud.living()
    late.keep(order())
    still.cloud.clock.skip(60)
    assert not still.cloud.living()


def test_where_a_quota_lets_some_machines_be_they_work(still: AwsBench) -> None:
    still.cloud.quotas.set("L-34B43A08", 2, region=REGION)
    still.provider.keep(order())
    still.cloud.clock.skip(60)
    fleet = still.provider.keep(order())
    assert len(fleet.alive) == 1
    assert "Max spot instance count exceeded" in fleet.refusal


def test_what_keeps_a_group_from_launching_is_waited_for_and_said(still: AwsBench) -> None:
    still.cloud.capacity.limit(0, kind="m5.large")
    still.cloud.capacity.limit(0, kind="m5a.large")
    still.provider.keep(order())
    said = "Could not launch Spot Instances. PendingVerification - Your request is being validated."
    activity = {"StatusCode": "Failed", "StatusMessage": f"{said} Launching EC2 instance failed."}
    provider = still.provider
    asked = provider.calls.ask

    def ask(service: str, action: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401
        if action == "describe_scaling_activities":
            return {"Activities": [activity]}
        return asked(service, action, **given)

    provider.calls.ask = ask  # type: ignore[method-assign]
    with pytest.raises(ProviderDeniedError, match=r"not ready to launch machines: .*validated"):
        provider.keep(order())


def test_a_type_that_does_not_exist_is_said(still: AwsBench) -> None:
    with pytest.raises(ProviderError, match="us-west-2 has no machine type"):
        still.provider.keep(order(offer=Offer(("g6e.tiny",), Market.SPOT)))


def test_an_action_that_is_not_allowed_is_named(still: AwsBench) -> None:
    still.cloud.enforce_iam()
    with pytest.raises(ProviderDeniedError, match="credentials"):
        still.provider.keep(order())


def test_a_role_is_made_once_a_project(still: AwsBench) -> None:
    still.provider.keep(order())
    still.provider.keep(order(token="lab-0a1b2c3d-00000008-1", job=8))
    (role,) = (
        each for each in still.ask("iam", "list_roles", PathPrefix="/cryoem/cryoem/")["Roles"]
    )
    assert role["RoleName"] == "cryoem-cryoem-us-west-2-lab-0a1b2c3d"
    shown = still.ask("iam", "get_role", RoleName=role["RoleName"])["Role"]
    assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == still.account.machine_policy
    assert {"Key": "cryoem:project", "Value": "lab-0a1b2c3d"} in shown["Tags"]


def test_what_is_forgotten_leaves_nothing(still: AwsBench) -> None:
    kept(still)
    still.provider.forget(TOKEN)
    assert still.provider.tokens() == (TOKEN,)
    still.provider.end(TOKEN)
    still.cloud.clock.skip(120)
    assert still.provider.keep(order()).spent
    still.provider.forget(TOKEN)
    assert still.provider.tokens() == ()
    assert not still.ask("ec2", "describe_launch_templates")["LaunchTemplates"]
    assert not still.ask("autoscaling", "describe_auto_scaling_groups")["AutoScalingGroups"]


@pytest.mark.parametrize(
    ("kind", "needs", "gib"),
    [
        ("m5.large", 70, 100),
        ("m5.large", 500, 530),
        ("m5.large", 20000, 16384),
        ("m5d.large", 60, 30),  # 75 GB of its own
        ("m5d.large", 70, 100),
    ],
)
def test_the_disk_is_sized_from_the_task(still: AwsBench, kind: str, needs: int, gib: int) -> None:
    still.provider.keep(order(offer=Offer((kind,), Market.SPOT), disk_gib=needs))
    found = still.ask("ec2", "describe_launch_template_versions", LaunchTemplateName=TOKEN)
    data = found["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    disk = data["BlockDeviceMappings"][0]["Ebs"]
    assert (disk["VolumeSize"], disk["Encrypted"], disk["DeleteOnTermination"]) == (gib, True, True)
