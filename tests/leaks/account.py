"""An account that is set up, with users who have joined it from their laptops; rights count."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from moto.s3.models import s3_backends

from cryoem_cloud.providers.aws.calls import Calls
from tests.acceptance.conftest import World, end_world, make_world
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.seam import Machines
from tests.providers.aws.stack.lab import ADMIN, REGION, Lab, Packed

__all__ = ["Leased", "leased", "reserve", "until"]

ACCOUNT = "123456789012"
_COSTS = ("instances", "volumes", "addresses", "snapshots", "images")
_KEPT = ("groups", "scheduled actions", "templates")
_NO_FILES = {"AWS_CONFIG_FILE": "/none", "AWS_SHARED_CREDENTIALS_FILE": "/none"}


@dataclass
class Leased:
    """The account. `store` is its store's URL, once somebody has joined."""

    cloud: Cloud
    lab: Lab
    top: Path
    python: str
    policies: tuple[str, ...]
    minute_s: float
    store: str = ""
    worlds: list[World] = field(default_factory=list)

    def laptop(self, name: str, **env: str) -> World:
        """A user's, who has joined; the project's folder is empty."""
        own = self.lab.env(name)
        for policy in self.policies:
            self.lab.client("iam").attach_user_policy(UserName=name, PolicyArn=policy)
        world = make_world(
            self.top / name,
            **own,
            **_NO_FILES,
            AWS_REGION=REGION,
            CRYOEM_WHERE="aws",
            CRYOEM_HOME="all",
            LEAKS_MINUTE=str(self.minute_s),
            USER=name,
            LOGNAME=name,
            **env,
        )
        world = replace(world, python=self.python)
        self.worlds.append(world)
        self.store = json.loads(world.command("cryoem", "aws", "join", "--json"))["store"]
        world.env["CRYOEM_STORE"] = self.store
        return world

    def copied(self, world: World, name: str) -> World:
        """A copy of a laptop, in which nothing runs."""
        home = self.top / name / "home"
        shutil.copytree(world.home, home, symlinks=True)
        twin = replace(world, home=home, env={**world.env, "HOME": str(home)})
        self.worlds.append(twin)
        return twin

    def listed(self) -> list[str]:
        """All keys of the store."""
        bucket = s3_backends[ACCOUNT]["aws"].buckets[self.store.split("/")[2]]
        for _ in range(20):
            with suppress(RuntimeError):  # it was written to meanwhile
                return list(bucket.keys.keys())
        return []

    def costs(self) -> Mapping[str, list[str]]:
        """What costs money, by kind."""
        found = census(self.lab.client)
        return {kind: found[kind] for kind in _COSTS if kind in found}

    def kept(self) -> Mapping[str, list[str]]:
        """What of launches is there and costs nothing."""
        found = census(self.lab.client)
        return {kind: found[kind] for kind in _KEPT if kind in found}


@contextmanager
def leased(
    top: Path, python: str, machines: Machines, *, minute_s: float, archive: tuple[Path, str]
) -> Iterator[Leased]:
    """Such an account, whose machines find this archive of the agent."""
    with Cloud(minute=minute_s, machines=machines) as cloud:
        lab = Lab(cloud, Packed(archive[0], archive[1]))
        env = lab.env("root")
        lab.client("iam").put_user_policy(
            UserName="root", PolicyName="all", PolicyDocument=json.dumps(ADMIN)
        )
        cloud.enforce_iam()
        done = lab.set_up(Calls(env, REGION))
        made = Leased(cloud, lab, top, python, tuple(done.policies), minute_s)
        try:
            yield made
        finally:
            for world in made.worlds:
                end_world(world)


def reserve(world: World) -> None:
    """Have job numbers for later: a front waits 3 s for a store, which a busy computer takes."""
    for _ in range(10):
        with suppress(AssertionError):
            world.front("reserve")
            return


def until(true: Callable[[], object], seconds: float, otherwise: str) -> None:
    """Wait until it is.

    Raises:
        AssertionError: It takes longer.
    """
    ends_s = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends_s:
            raise AssertionError(otherwise)
        time.sleep(0.1)
