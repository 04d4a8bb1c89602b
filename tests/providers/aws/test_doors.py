"""A port is open to one address, while its job is there, and is never left open by anybody."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cryoem_cloud.model.door import Door
from cryoem_cloud.model.errors import ProviderDeniedError
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.provider import AwsProvider
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What
from tests.ec2sim.noboot import NoBoot

from .conftest import AwsBench, order
from .test_launching import Killed, KilledError, courier

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0N0ZbkZ2mM8f5iYb0bHcHcR7cYt0VQyZ7b8q1mVQ3e"
DOOR = Door(source="203.0.113.7", key=KEY)
OPENS = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
TO_US = [{"CidrIp": "203.0.113.7/32", "Description": "ssh for the submitter of the job"}]


@pytest.fixture
def still() -> Iterator[AwsBench]:
    """An AWS whose time stands still, with a stack that lets jobs open a port."""
    machines = NoBoot()
    with Cloud(machines=machines) as cloud:
        bench = AwsBench(cloud, machines)
        bench.account = replace(bench.account, ssh=True)
        yield bench


def wanted(**other: object) -> Order:
    return order(**{"door": DOOR, **other})


def doors(bench: AwsBench) -> list[dict[str, Any]]:
    found = bench.ask("ec2", "describe_security_groups")["SecurityGroups"]
    return [each for each in found if each["GroupName"].startswith("cryoem-lab-0a1b2c3d-")]


def opened(bench: AwsBench) -> list[dict[str, Any]]:
    return [rule for each in doors(bench) for rule in each["IpPermissions"]]


def test_port_22_is_open_to_one_address_and_nothing_goes_out(still: AwsBench) -> None:
    still.provider.keep(wanted())
    still.cloud.clock.skip(60)
    (door,) = doors(still)
    (rule,) = door["IpPermissions"]
    assert OPENS.items() <= rule.items()
    assert (rule["IpRanges"], rule["Ipv6Ranges"], rule["UserIdGroupPairs"]) == (TO_US, [], [])
    assert door["IpPermissionsEgress"] == []
    for words in (door["GroupName"], door["Description"], TO_US[0]["Description"]):
        assert re.fullmatch(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}", words)
    (template,) = still.ask("ec2", "describe_launch_templates")["LaunchTemplates"]
    versions = still.ask(
        "ec2", "describe_launch_template_versions", LaunchTemplateId=template["LaunchTemplateId"]
    )["LaunchTemplateVersions"]
    data = versions[0]["LaunchTemplateData"]
    assert data["SecurityGroupIds"] == [still.account.security_group, door["GroupId"]]
    own = still.ask("ec2", "describe_security_groups", GroupIds=[still.account.security_group])[
        "SecurityGroups"
    ]
    assert own[0]["IpPermissions"] == []


def test_an_address_of_ipv6_is_one_too(still: AwsBench) -> None:
    still.provider.keep(wanted(door=Door(source="2001:db8::7", key=KEY)))
    (rule,) = opened(still)
    (let_in,) = rule["Ipv6Ranges"]
    assert (let_in["CidrIpv6"], rule["IpRanges"]) == ("2001:db8::7/128", [])


def test_a_job_without_a_door_has_none(still: AwsBench) -> None:
    still.provider.keep(order())
    assert doors(still) == []


def test_it_is_shut_with_the_job_and_gone_with_its_machines(still: AwsBench) -> None:
    provider = still.provider
    provider.keep(wanted())
    still.cloud.clock.skip(60)
    assert len(provider.look(wanted().token).alive) == 2
    provider.end(wanted().token)
    assert opened(still) == []
    provider.forget(wanted().token)  # machines that shut down have it still, maybe
    still.cloud.clock.skip(600)
    provider.forget(wanted().token)
    assert doors(still) == []
    assert provider.tokens() == ()


def test_a_group_that_is_in_use_is_removed_later(still: AwsBench) -> None:
    provider = still.provider
    provider.keep(wanted())
    still.cloud.clock.skip(60)
    error = ("DependencyViolation", "resource sg-1 has a dependent object")
    still.cloud.faults.plan(What.REFUSED, "DeleteSecurityGroup", error=error)
    provider.end(wanted().token)
    still.cloud.clock.skip(600)
    provider.forget(wanted().token)
    assert (len(doors(still)), opened(still)) == (1, [])
    assert provider.tokens() == (wanted().token,)
    provider.forget(wanted().token)
    assert (doors(still), provider.tokens()) == ([], ())


def test_of_a_job_that_failed_it_goes_though_its_machines_words_are_kept(still: AwsBench) -> None:
    provider = still.provider
    provider.keep(wanted())
    still.ask(
        "autoscaling",
        "delete_auto_scaling_group",
        AutoScalingGroupName=wanted().token,
        ForceDelete=True,
    )
    still.cloud.clock.skip(600)
    provider.close(wanted().token)
    assert doors(still) == []
    assert provider.tokens() == (wanted().token,)


@pytest.mark.parametrize("after", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_no_courier_that_is_killed_leaves_a_port_open(still: AwsBench, *, after: bool) -> None:
    """At each call of a launch; the job is dropped then, and `reap` finds all that is left."""
    killed_at, with_a_door = 1, 0
    while True:
        asked = wanted(token=f"lab-0a1b2c3d-{killed_at:08d}-1", job=killed_at)
        calls = Killed(still.env, still.calls.region, at=killed_at, after=after)
        try:
            courier(still, calls).keep(asked)
        except KilledError:
            killed_at += 1
        else:
            break
        for rule in opened(still):
            assert OPENS.items() <= rule.items()
            assert rule["IpRanges"] == TO_US
        with_a_door += bool(doors(still))
        _reaped(still, still.provider)
    _reaped(still, still.provider)
    assert killed_at > 13
    assert with_a_door > 5


def _reaped(bench: AwsBench, provider: AwsProvider) -> None:
    for token in provider.tokens():
        provider.end(token)
        assert opened(bench) == []
        provider.forget(token)
    bench.cloud.clock.skip(600)
    for token in provider.tokens():
        provider.forget(token)
    assert doors(bench) == []
    assert not bench.cloud.living()


class KilledAt(Killed):
    """Calls of a courier that is killed at its first call of that name."""

    def __init__(self, bench: AwsBench, action: str, *, after: bool) -> None:
        super().__init__(bench.env, bench.calls.region, at=0, after=after)
        self.action = action

    def ask(
        self, service: str, action: str, *, expected: tuple[str, ...] = (), **asked: object
    ) -> dict[str, Any]:
        if action == self.action:
            self.at = self.count + 1
        return super().ask(service, action, expected=expected, **asked)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "action",
    [
        "create_security_group",
        "revoke_security_group_egress",
        "authorize_security_group_ingress",
        "create_launch_template",
    ],
)
def test_the_next_courier_goes_on_with_a_door(still: AwsBench, action: str, *, after: bool) -> None:
    with pytest.raises(KilledError):
        courier(still, KilledAt(still, action, after=after)).keep(wanted())
    still.provider.keep(wanted())
    still.cloud.clock.skip(60)
    assert len(still.provider.keep(wanted()).alive) == 2
    (door,) = doors(still)
    assert door["IpPermissionsEgress"] == []
    (rule,) = door["IpPermissions"]
    assert rule["IpRanges"] == TO_US


@pytest.mark.parametrize("what", [What.LOST_AFTER, What.LOST_BEFORE, What.THROTTLED])
@pytest.mark.parametrize(
    "action",
    ["CreateSecurityGroup", "RevokeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"],
)
def test_a_call_that_goes_wrong_is_made_again(still: AwsBench, what: What, action: str) -> None:
    still.cloud.faults.plan(what, action)
    still.provider.keep(wanted())
    (rule,) = opened(still)
    assert rule["IpRanges"] == TO_US
    assert doors(still)[0]["IpPermissionsEgress"] == []


def test_nothing_goes_out_before_anybody_is_let_in(still: AwsBench) -> None:
    """Who may not take away what a new group lets out opens no port, and launches nothing."""
    error = ("UnauthorizedOperation", "You are not authorized to perform this operation.")
    still.cloud.faults.plan(What.REFUSED, "RevokeSecurityGroupEgress", error=error)
    with pytest.raises(ProviderDeniedError):
        still.provider.keep(wanted())
    assert opened(still) == []
    assert not still.ask("ec2", "describe_launch_templates")["LaunchTemplates"]
