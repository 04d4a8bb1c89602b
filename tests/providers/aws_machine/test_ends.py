"""How a machine ends that has worked: taken by EC2, at its job's limit, killed; whole boots."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Deed, exit_of
from cryoem_cloud.providers.aws.names import STATE, WHY
from tests.ec2sim.booting import BootedMachines
from tests.providers.aws_machine.lab import OUT, Lab

SLEEPS = f"echo made > {OUT}/x; echo begun; sleep 100"


def inside(lab: Lab, machine: str, *command: str) -> str:
    """What a command on the machine prints."""
    machines = lab.cloud.machines
    assert isinstance(machines, BootedMachines)
    return machines.run(machine, *command).stdout


def minutes_left(lab: Lab, machine: str) -> float:
    """Until the machine shuts itself down, in minutes of the simulation."""
    said = inside(lab, machine, "cat", "/run/systemd/shutdown/scheduled")
    found = re.search(r"USEC=(\d+)", said)
    assert found, said
    return (int(found[1]) / 1e6 - time.time()) / 3.0


def reason_of(lab: Lab, machine: str) -> str:
    """Why EC2 says that it ended."""
    kept = lab.cloud.instance(machine)
    return str(kept.record.state_reason.code) if kept.state == "terminated" else ""


@pytest.mark.soak
def test_a_spot_machine_gives_its_task_back_and_is_replaced(lab: Lab) -> None:
    until = int(time.time()) + 30
    script = f"echo made > {OUT}/x; while [ $(date +%s) -lt {until} ]; do sleep 0.2; done"
    records = lab.job(script)
    first = lab.launch(lab.boot(), spot=True)
    lab.until(lambda: records.page(first, 2), first)  # what it made is sent
    lab.cloud.interrupt(first, notice=15.0)
    lab.until(lambda: len(records.turns(MAIN).read()) > 1, first)
    released = records.turns(MAIN).read()[1]
    assert released.deed is Deed.RELEASED
    assert released.detail["reason"] == "the machine was taken away"
    assert lab.cloud.instance(first).state == "running"  # so it was within the notice
    lab.until(lambda: reason_of(lab, first) == "Server.SpotInstanceTermination", first)
    lab.until(records.end)
    (*_, claim, done) = records.turns(MAIN).read()
    assert claim.holder != first
    assert done.deed is Deed.DONE
    lab.ended(claim.holder)
    assert lab.tags(claim.holder)[STATE] == "left"
    lab.until(lambda: lab.group() is None)
    assert not lab.cloud.living()


@pytest.mark.soak
def test_at_its_limit_a_job_ends_with_the_reason_and_the_machine_leaves(lab: Lab) -> None:
    records = lab.job(SLEEPS)
    until = datetime.now(UTC) + timedelta(seconds=12)
    machine = lab.launch(lab.boot(limit_s=7200.0, until=until))
    lab.ended(machine)
    ending = exit_of(records.turns(MAIN).read()[-1])
    assert ending.outcome is Outcome.FAILURE
    assert ending.reason.startswith("reached its limit of 2 h"), lab.cloud.machines.console(machine)
    assert lab.tags(machine)[STATE] == "left"
    assert lab.made(records) == [f"{OUT}/x"]
    lab.until(lambda: lab.group() is None)


@pytest.mark.soak
def test_the_agent_replaces_the_boots_end_by_the_jobs_and_its_death_ends_the_machine(
    lab: Lab,
) -> None:
    records = lab.job(SLEEPS)
    until = datetime.now(UTC) + timedelta(minutes=50)
    machine = lab.launch(lab.boot(until=until))
    lab.until(lambda: lab.tags(machine).get(STATE) == "up", machine)
    assert 55 < minutes_left(lab, machine) <= 60  # the limit, and ten minutes
    lab.until(lambda: records.page(machine, 1), machine)
    inside(lab, machine, "pkill", "-9", "-f", "cryoem_cloud.cli agent")
    lab.ended(machine)
    assert lab.tags(machine)[WHY].startswith("the agent ended with code 137")
    group = lab.group()
    assert group is not None
    assert group["DesiredCapacity"] == 0
    assert "the agent starts" in lab.boot_log(machine)


@pytest.mark.soak
def test_an_agent_that_hangs_ends_with_its_machine_at_the_limit(lab: Lab) -> None:
    lab.job(SLEEPS)
    machine = lab.launch(lab.boot(until=datetime.now(UTC) + timedelta(seconds=1)))
    lab.until(lambda: lab.tags(machine).get(STATE), machine)
    inside(lab, machine, "pkill", "-STOP", "-f", "cryoem_cloud.cli agent")
    lab.ended(machine)


@pytest.mark.soak
def test_who_ends_the_job_ends_the_group_and_those_that_are_still_leaving(lab: Lab) -> None:
    records = lab.job("sleep 3")
    lab.launch(lab.boot(), count=2)
    both = [kept.id for kept in lab.cloud.living()]
    for machine in both:
        lab.ended(machine)
    assert records.end() is not None
    assert "left" in {lab.tags(machine)[STATE] for machine in both}
    lab.until(lambda: lab.group() is None)
    assert not lab.cloud.living()
