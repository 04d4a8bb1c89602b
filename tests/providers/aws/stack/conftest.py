"""A lab at a simulated AWS."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.stack.setup import Done
from tests.ec2sim.cloud import Cloud
from tests.providers.aws.stack.lab import ADMIN, REGION, Lab, Packed


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    packed = tmp_path / "agent.tar.gz"
    packed.write_bytes(b"agent")
    with Cloud() as cloud:
        yield Lab(cloud, Packed(packed))


@pytest.fixture
def admin(lab: Lab) -> Calls:
    env = lab.env("root")
    lab.client("iam").put_user_policy(
        UserName="root", PolicyName="all", PolicyDocument=json.dumps(ADMIN)
    )
    lab.cloud.enforce_iam()
    return Calls(env, REGION)


@pytest.fixture
def user(lab: Lab, admin: Calls) -> Callable[[Done], Calls]:
    """Somebody who has the policies that setup names, and nothing else."""

    def made(done: Done) -> Calls:
        env = lab.env("ann")
        for policy in done.policies:
            lab.client("iam").attach_user_policy(UserName="ann", PolicyArn=policy)
        return Calls(env, REGION)

    return made
