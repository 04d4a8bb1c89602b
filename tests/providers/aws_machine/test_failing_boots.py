"""A boot that fails at each step: the log is in the store, the machine says why, and none follows.

A machine that says nothing at all ends by what it armed first.
"""

import pytest

from cryoem_cloud.providers.aws.names import STATE, WHY
from tests.providers.aws_machine.lab import Lab

OTHER = "0" * 64


def failed(lab: Lab, user_data: str, *, kind: str = "m5.large") -> tuple[str, str]:
    """Why the machine says that it failed, and its log in the store."""
    machine = lab.launch(user_data, kind=kind)
    lab.ended(machine)
    console = lab.cloud.machines.console(machine)
    group = lab.group()
    assert group is not None
    assert group["DesiredCapacity"] == 0, console
    assert not lab.cloud.living()
    tags = lab.tags(machine)
    assert tags[STATE] == "failed", console
    return tags[WHY], lab.boot_log(machine)


def test_a_set_up_line_that_fails(lab: Lab) -> None:
    why, log = failed(lab, lab.boot(install="echo 'no such package' >&2; exit 100"))
    assert why == "the set-up line ended with code 100"
    assert "no such package" in log
    assert "failed: the set-up line ended with code 100" in log


def test_an_archive_that_is_not_there(lab: Lab) -> None:
    why, log = failed(lab, lab.boot(agent=f"@agent/{OTHER}.tar.gz@{OTHER}"))
    assert why == "the agent could not be fetched: curl ended with 22"
    assert "404" in log


def test_an_archive_that_was_changed(lab: Lab) -> None:
    key = lab.agent.rpartition("@")[0]
    why, _ = failed(lab, lab.boot(agent=f"{key}@{OTHER}"))
    assert why == "the archive of the agent is not the one that was ordered"


def test_an_agent_that_breaks(lab: Lab) -> None:
    why, log = failed(lab, lab.boot())  # there is no such job
    assert why.startswith("the agent ended with code 8: s3://lab/team: apo-1a2b3c4d/jobs/00000007")
    assert "job.json: there is no such object" in log


def test_an_agent_that_does_not_come_up(lab: Lab) -> None:
    why, log = failed(lab, lab.boot(install="sleep 1000", patience_s=2))
    assert why == "the agent did not come up within 2 s"
    assert "set-up: sleep 1000" in log


def test_a_boot_that_hangs_and_does_not_even_notice(lab: Lab) -> None:
    """Its group buys another: that is what `lapse` is for."""
    hung = lab.boot(install="sleep 1000", dead_man_min=1)
    machine = lab.launch(hung)
    lab.ended(machine)
    found = lab.ask("ec2").describe_instances(InstanceIds=[machine])
    (instance,) = found["Reservations"][0]["Instances"]
    assert instance["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    lab.ask("autoscaling").delete_auto_scaling_group(
        AutoScalingGroupName=lab.group_name, ForceDelete=True
    )
    lab.until(lambda: not lab.cloud.living())


@pytest.mark.soak
def test_a_store_out_of_reach_ends_the_machine_all_the_same(lab: Lab) -> None:
    machine = lab.launch(lab.boot(install="sleep 2", patience_s=4, dead_man_min=10))
    lab.cloud.machines.network.sever(machine)  # type: ignore[attr-defined]
    lab.ended(machine)


@pytest.mark.parametrize("kind", ["m5d.large"])
def test_the_instance_store_is_the_scratch(lab: Lab, kind: str) -> None:
    records = lab.job("df . | tail -1 > Shell/job001/where")
    machine = lab.launch(lab.boot(), kind=kind)
    lab.ended(machine)
    assert lab.made(records) == ["Shell/job001/where"]
    console = lab.cloud.machines.console(machine)
    assert "scratch: 1 disks of the instance store" in console
