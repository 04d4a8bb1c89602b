"""How often AWS is called for a fleet of so many machines, by what is done with it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryoem_cloud.cli.jobs.fleets import all_machines
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.testing.clock import StoppedClock
from tests.ec2sim.cloud import Cloud

__all__ = ["Counted", "counted_calls"]

_REGION, _FRESH_S = "us-east-1", 5.0
_PROJECT = "lab-0a1b2c3d"
_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}

Counted = dict[str, dict[str, int]]
"""By what is done: how often each call was made."""


@dataclass
class _Fleet:
    """A provider that has joined a simulated account, and the order of so many machines."""

    cloud: Cloud
    provider: AwsProvider
    clock: StoppedClock
    order: Order

    def counted(self, do: Callable[[], object]) -> dict[str, int]:
        """What is called for it, by who has looked at nothing for a while."""
        self.clock.pass_(_FRESH_S)
        before = len(self.cloud.door.calls)
        do()
        return dict(sorted(Counter(self.cloud.door.calls[before:]).items()))

    def reap(self) -> None:
        """What `cryoem reap` does with a fleet whose job has ended."""
        for token in self.provider.tokens():
            self.provider.look(token)
            self.provider.end(token)
            self.provider.forget(token)


def counted_calls(machines: int) -> Counted:
    """A fleet's life, counted, on machines that pretend."""
    with _fleet(machines) as fleet:
        provider, order, skip = fleet.provider, fleet.order, fleet.cloud.clock.skip
        found = {"launch, a project's first": fleet.counted(lambda: provider.keep(order))}
        skip(60)
        if len(fleet.cloud.living()) != machines:
            raise RuntimeError(f"{len(fleet.cloud.living())} machines, where {machines} are wanted")
        found["a look"] = fleet.counted(lambda: provider.keep(order))
        found["machines ls"] = fleet.counted(lambda: list(all_machines([provider])))
        found["end"] = fleet.counted(lambda: provider.end(order.token))
        skip(60)
        found["forget"] = fleet.counted(lambda: provider.forget(order.token))
        again = Order(
            token=f"{order.project}-00000008-1",
            store=order.store,
            project=order.project,
            job=8,
            count=machines,
            offer=order.offer,
            owner=order.owner,
        )
        found["launch, a later one"] = fleet.counted(lambda: provider.keep(again))
        skip(60)
        found["reap"] = fleet.counted(fleet.reap)
    return found


@contextmanager
def _fleet(machines: int) -> Iterator[_Fleet]:
    with Cloud() as cloud:
        calls = Calls({"AWS_ENDPOINT_URL": cloud.url, **_KEYS}, _REGION)
        subnets = calls.ask("ec2", "describe_subnets")["Subnets"]
        gate = calls.ask("ec2", "create_security_group", GroupName="none", Description="none in")
        policy = calls.ask(
            "iam", "create_policy", PolicyName="machines", PolicyDocument=json.dumps(_POLICY)
        )
        account = Account(
            stack="cryoem",
            region=_REGION,
            store="s3://lab",
            subnets=tuple(str(each["SubnetId"]) for each in subnets),
            security_group=str(gate["GroupId"]),
            machine_policy=str(policy["Policy"]["Arn"]),
        )
        clock = StoppedClock()
        provider = AwsProvider(
            account=account,
            calls=calls,
            clock=clock,
            user_data=lambda *_: "#!/bin/sh\n",
            fresh_s=_FRESH_S,
        )
        order = Order(
            token=f"{_PROJECT}-00000007-1",
            store="s3://lab",
            project=_PROJECT,
            job=7,
            count=machines,
            offer=Offer(("m5.large", "m5a.large"), Market.SPOT),
            owner="ada@workstation",
        )
        yield _Fleet(cloud, provider, clock, order)
