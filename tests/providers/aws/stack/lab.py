"""An account with an administrator, who may do everything, and users, who get policies."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.doctor import Doctor
from cryoem_cloud.providers.aws.stack.leftovers import Leftovers
from cryoem_cloud.providers.aws.stack.setup import Done, completed, set_up
from cryoem_cloud.providers.aws.stack.teardown import tear_down
from tests.ec2sim.asking import Client
from tests.ec2sim.cloud import Cloud

REGION = "us-west-2"
ADMIN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Packed:
    path: Path
    digest: str = "00ff"
    architecture: str = "x86_64"


@dataclass
class Lab:
    """An account with an administrator, who may do everything, and users, who get policies."""

    cloud: Cloud
    archive: Packed

    def env(self, user: str) -> dict[str, str]:
        """Of somebody's shell; the user is made where there is none of that name."""
        iam = self.client("iam")
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return {
            "AWS_ENDPOINT_URL": self.cloud.url,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

    def client(self, service: str, region: str = REGION) -> Client:
        """Of the owner of the account, past all policies: what tests look with."""
        return self.cloud.stacks._inside.client(service, region)

    def forget_users(self) -> None:
        iam = self.client("iam")
        for user in iam.list_users()["Users"]:
            name = user["UserName"]
            for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
                iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
            for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
                iam.delete_user_policy(UserName=name, PolicyName=policy)
            iam.delete_user(UserName=name)

    def sleep(self, seconds: float) -> None:
        self.cloud.clock.skip(seconds)

    def set_up(self, calls: Calls, **chosen: Any) -> Done:  # noqa: ANN401
        asked = Choices(region=calls.region, **chosen)
        choices = completed(calls, asked, [self.archive])
        return set_up(calls, choices, [self.archive], sleep=self.sleep)

    def tear_down(self, calls: Calls, **asked: str) -> Leftovers:
        said: list[str] = []
        return tear_down(calls, "cryoem", sleep=self.sleep, say=said.append, **asked)


def doctor(calls: Calls, account: Account, *kinds: str) -> Doctor:
    prices = Calls(calls._env, "us-east-1")
    return Doctor(calls=calls, prices=prices, account=account, kinds=kinds or ("g6e.xlarge",))


def interrupt(monkeypatch: pytest.MonkeyPatch, call: str, *, after: bool) -> list[str]:
    """Interrupt the program at its first such call, before or after AWS has heard it."""
    done: list[str] = []
    real = Calls.ask

    def ask(self: Calls, service: str, action: str, **asked: object) -> dict[str, Any]:
        if done or action != call:
            return real(self, service, action, **asked)  # type: ignore[arg-type]
        done.append(call)
        with suppress(Refused):
            if not after:
                raise KeyboardInterrupt
            real(self, service, action, **asked)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Calls, "ask", ask)
    return done
