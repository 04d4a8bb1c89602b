"""The machine that an image is built on: launched once, watched, and ended whatever happens."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from cryoem_cloud.model.errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
)
from cryoem_cloud.model.units import counted
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.building.ended import Ended, Printed
from cryoem_cloud.providers.aws.building.recipe import TAKE_HOURS, Plan
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.kinds import subnets_with
from cryoem_cloud.providers.aws.names import (
    BUILDS,
    OWNER,
    PROJECT,
    STACK,
    TOKEN,
    role_of,
    tagged,
)
from cryoem_cloud.providers.aws.roles import make_role
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder
from cryoem_cloud.providers.aws.userdata import Building, builder_data

__all__ = ["Builder"]

_POLL_S = 10.0
_PROFILE_TRIES = 12
_END_TRIES = 6
_LOOKS = 3
_ENDED = frozenset({"shutting-down", "terminated", "stopping", "stopped"})
_NO_OBJECT = ("NoSuchKey", "404")
_HOUR_S = 3600


@dataclass(kw_only=True)
class Builder:
    """One builder. `token` tags all that belongs to the build; `sleep` lets time pass."""

    calls: Calls
    account: Account
    plan: Plan
    token: str
    owner: str
    sleep: Callable[[float], None]
    say: Callable[[str], None]
    _unsure: bool = False

    def launch(self) -> str:
        """Put the script into the store and start the machine; its id.

        Raises:
            ProviderError: AWS does not start it.
        """
        bucket, folder = bucket_and_folder(self.account.store)
        key = f"{folder}/{BUILDS}/{self.token}/script"
        self.calls.ask("s3", "put_object", Bucket=bucket, Key=key, Body=self.plan.recipe.script)
        make_role(self.calls, self.account, BUILDS)
        asked = self._asked()
        refusal = ""
        for subnet in subnets_with(self.calls, (self.plan.recipe.kind,), self.account.subnets):
            try:
                return self._run(subnet, asked)
            except Refused as refused:
                refusal = refused.said
        raise ProviderError(
            f"there is no {self.plan.recipe.kind} now: {refusal}",
            hint="try again later, or another type (--machine)",
        )

    def follow(self, machine: str) -> Ended:
        """Wait until the script has ended, saying what it prints; how it ended.

        A network that is away for a while is waited for.

        Raises:
            ProviderError: The builder is gone, or says nothing for all the time that it has.
        """
        printed = Printed()
        for _ in range(int(self.plan.most_hours * _HOUR_S / _POLL_S)):
            with suppress(ProviderUnreachableError):
                lives = self._lives(machine)  # before the result: it may end in between
                for line in printed.news(self._object("log")):
                    self.say(f"  {line}")
                if (found := self._object("result")) is not None:
                    return Ended.read(found, printed.last())
                if not lives:
                    raise ProviderError(
                        f"the builder {machine} has ended without a word: {printed.last()}",
                        hint=f"cryoem machines console {machine} shows what it printed",
                    )
            self.sleep(_POLL_S)
        raise ProviderError(f"the builder {machine} did not say how its script ended")

    def end(self) -> None:
        """See to it that no machine of this build lives, also one that we never heard of."""
        for _ in range(_END_TRIES):
            with suppress(ProviderUnreachableError):
                self._terminate(list(self._found()))
                return
            self.sleep(_POLL_S)
        self.say(
            "AWS does not answer: the builder is not ended, and ends by itself within "
            f"{counted(self.plan.most_hours, 'hour')} (cryoem machines ls, cryoem reap)"
        )

    def _terminate(self, machines: Sequence[str]) -> None:
        if machines:
            self.calls.ask("ec2", "terminate_instances", InstanceIds=list(machines))

    def _run(self, subnet: str, asked: Mapping[str, Any]) -> str:
        """Launch it, once, however often this is asked; waiting for a role that is new.

        Raises:
            Refused: There is no such machine in that zone now.
        """
        expected = ("InsufficientInstanceCapacity", "Unsupported", "InvalidParameterValue")
        token = hashlib.sha256(f"{self.token} {subnet}".encode()).hexdigest()
        self._unsure = True
        for left in reversed(range(_PROFILE_TRIES)):
            try:
                done = self.calls.ask(
                    "ec2",
                    "run_instances",
                    expected=expected,
                    ClientToken=token,
                    SubnetId=subnet,
                    **asked,
                )
                return str(done["Instances"][0]["InstanceId"])
            except Refused as refused:
                if refused.code != "InvalidParameterValue":
                    raise
                if "iaminstanceprofile" not in refused.said.lower().replace(" ", "") or not left:
                    raise ProviderError(f"AWS starts no builder: {refused.said}") from refused
                self.sleep(_POLL_S)
            except (ProviderDeniedError, ProviderUnreachableError) as error:
                self._unsure = isinstance(error, ProviderUnreachableError)
                raise
        raise AssertionError

    def _asked(self) -> dict[str, Any]:
        """As machines of jobs are launched, but that it has its own script."""
        plan, account = self.plan, self.account
        told = Building(
            store=account.store,
            region=account.region,
            project=BUILDS,
            group=self.token,
            agent=plan.agent,
            script_digest=hashlib.sha256(plan.recipe.script).hexdigest(),
            limit_s=plan.recipe.hours * _HOUR_S,
            wait_s=TAKE_HOURS * _HOUR_S,
            dead_man_min=plan.most_hours * 60,
            variables=plan.recipe.variables,
        )
        tags = tagged(
            {
                **account.tags,
                STACK: account.stack,
                PROJECT: BUILDS,
                TOKEN: self.token,
                OWNER: self.owner,
                "Name": f"cryoem {self.token}",
            }
        )
        disk = {
            "VolumeSize": plan.disk_gib,
            "VolumeType": "gp3",
            "Encrypted": True,
            "DeleteOnTermination": True,
        }
        return {
            "ImageId": plan.base.id,
            "InstanceType": plan.recipe.kind,
            "MinCount": 1,
            "MaxCount": 1,
            "IamInstanceProfile": {"Name": role_of(account.stack, account.region, BUILDS)},
            "SecurityGroupIds": [account.security_group],
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {
                "HttpTokens": "required",
                "HttpEndpoint": "enabled",
                "HttpPutResponseHopLimit": 1,
            },
            "BlockDeviceMappings": [{"DeviceName": plan.base.root, "Ebs": disk}],
            "TagSpecifications": [
                {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume")
            ],
            "UserData": builder_data(told),  # in this call botocore encodes it
        }

    def _object(self, name: str) -> bytes | None:
        bucket, folder = bucket_and_folder(self.account.store)
        key = f"{folder}/{BUILDS}/{self.token}/{name}"
        try:
            found = self.calls.ask("s3", "get_object", expected=_NO_OBJECT, Bucket=bucket, Key=key)
        except Refused:
            return None
        body: bytes = found["Body"].read(2**20)
        return body

    def _lives(self, machine: str) -> bool:
        """Whether it does; AWS may not list yet what it has just launched."""
        missing = ("InvalidInstanceID.NotFound",)
        try:
            found = self.calls.ask(
                "ec2", "describe_instances", expected=missing, InstanceIds=[machine]
            )
        except Refused:
            return True
        state = found["Reservations"][0]["Instances"][0]["State"]["Name"]
        return state not in _ENDED

    def _found(self) -> Iterator[str]:
        """The machines of this build; looked for several times where none may be listed yet."""
        filters = [{"Name": f"tag:{TOKEN}", "Values": [self.token]}]
        for look in range(_LOOKS if self._unsure else 1):
            if look:
                self.sleep(_POLL_S)
            found = [
                str(each["InstanceId"])
                for one in self.calls.pages(
                    "ec2", "describe_instances", "Reservations", Filters=filters
                )
                for each in one["Instances"]
            ]
            if found:
                yield from found
                return
