"""A simulated AWS whose machines do what a test says, and a provider that has joined it."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import STATE, WHY, tagged
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.wiring.clock import SystemClock
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.noboot import NoBoot
from tests.ec2sim.seam import Instance

REGION = "us-west-2"
MINUTE_S = 1.0
"""What a simulated minute lasts: machines are up after 0.3 s, and nothing lapses for a minute."""


class AwsBench:
    """Machines at a simulated AWS that say of themselves what real ones would."""

    def __init__(self, cloud: Cloud, machines: NoBoot) -> None:
        self.cloud, self.machines, self.well = cloud, machines, True
        self.calls = Calls(self.env, REGION)
        self.account = Account(
            stack="cryoem",
            region=REGION,
            store="s3://lab",
            subnets=self._subnets(),
            security_group=self._group(),
            machine_policy=self._policy(),
        )

    @property
    def env(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.cloud.url,
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }

    @property
    def provider(self) -> AwsProvider:
        return AwsProvider(
            account=self.account,
            calls=self.calls,
            clock=SystemClock(),
            user_data=lambda *_: "#!/bin/sh\n",
            fresh_s=0.0,
        )

    def boot_well(self, *, well: bool) -> None:
        self.well = well

    def boot(self, instance: Instance) -> None:
        """What a machine does first; AWS does not wait for it."""
        threading.Thread(target=self._boot, args=(instance.id,), daemon=True).start()

    def crash(self, machine: str) -> None:
        with self.cloud.lock:
            self.machines.shut_down(machine)

    def work(self, machine: str) -> None:
        self._says(machine, "worked")

    def leave(self, machine: str) -> None:
        self._says(machine, "left")
        self._leaves(machine)

    def ask(self, service: str, action: str, **asked: Any) -> dict[str, Any]:  # noqa: ANN401
        return self.calls.ask(service, action, **asked)

    def nothing_lives(self) -> None:
        """Wait until no machine costs anything."""
        until_s = time.monotonic() + 30
        while self.cloud.living():
            assert time.monotonic() < until_s, self.cloud.living()
            time.sleep(0.05)

    def _boot(self, machine: str) -> None:
        if self.well:
            self._says(machine, "up")
        else:
            self._says(machine, "failed", why="no luck")
            self._leaves(machine)

    def _says(self, machine: str, state: str, *, why: str = "") -> None:
        tags = {STATE: state, **({WHY: why} if why else {})}
        self.ask("ec2", "create_tags", Resources=[machine], Tags=tagged(tags))

    def _leaves(self, machine: str) -> None:
        self.ask(
            "autoscaling",
            "terminate_instance_in_auto_scaling_group",
            InstanceId=machine,
            ShouldDecrementDesiredCapacity=True,
        )

    def _subnets(self) -> tuple[str, ...]:
        found = self.ask("ec2", "describe_subnets")["Subnets"]
        return tuple(each["SubnetId"] for each in found)

    def _group(self) -> str:
        made = self.ask("ec2", "create_security_group", GroupName="machines", Description="none in")
        return str(made["GroupId"])

    def _policy(self) -> str:
        words = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [words]})
        made = self.ask("iam", "create_policy", PolicyName="machines", PolicyDocument=policy)
        return str(made["Policy"]["Arn"])


@pytest.fixture
def aws_bench() -> Iterator[AwsBench]:
    machines = NoBoot()
    with Cloud(minute=MINUTE_S, machines=machines) as cloud:
        made = AwsBench(cloud, machines)
        machines.on_boot = made.boot
        yield made


def order(**other: object) -> Order:
    fields: dict[str, Any] = {
        "token": "lab-0a1b2c3d-00000007-1",
        "store": "s3://lab",
        "project": "lab-0a1b2c3d",
        "job": 7,
        "count": 2,
        "offer": Offer(("m5.large", "m5a.large"), Market.SPOT),
        "owner": "ada@workstation",
    }
    return Order(**(fields | other))


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> None:
    """Reading botocore's models takes seconds."""
    botocore.session.get_session()
