"""An account with a stack, an administrator, and a builder that does what a test says."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.providers.aws.building.build import Build, Made
from cryoem_cloud.providers.aws.building.recipe import Recipe, planned
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.stack.setup import Done
from tests.ec2sim.cloud import Cloud
from tests.providers.aws.stack.conftest import admin, user
from tests.providers.aws.stack.lab import REGION, Lab, Packed

__all__ = ["admin", "bench", "lab", "user"]

RECIPE = Recipe(name="relion", script=b"install relion\n", kind="m5.large")


@dataclass
class Bench:
    """Builds images, with all the time in the world. `log` and `result` are what builders say."""

    lab: Lab
    calls: Calls
    done: Done
    log: str = "installing\nRELION version: 5.0.1\n"
    result: str = "code=0\nwhy=\nrelion=5.0.1\n"
    silent: bool = False
    said: list[str] = field(default_factory=list)

    def build(self, calls: Calls | None = None, **changed: Any) -> Made:  # noqa: ANN401
        calls = calls or self.calls
        plan = planned(
            calls, calls.elsewhere("us-east-1"), self.done.account, replace(RECIPE, **changed)
        )
        return Build(
            calls=calls,
            account=self.done.account,
            plan=plan,
            owner="root@desk",
            say=self.said.append,
            sleep=self.sleep,
            now=datetime(2026, 1, 2, tzinfo=UTC),
        ).build()

    def sleep(self, seconds: float) -> None:
        """Time passes; a builder that is up says what there is to say."""
        self.lab.sleep(seconds)
        for each in self.lab.cloud.living():
            if each.state == "running" and not self.silent:
                token = each.tags["cryoem:token"]
                self.put(f"@image/{token}/log", self.log)
                self.put(f"@image/{token}/result", self.result)

    def put(self, name: str, text: str) -> None:
        bucket, _, folder = self.done.account.store.removeprefix("s3://").partition("/")
        self.lab.client("s3").put_object(Bucket=bucket, Key=f"{folder}/{name}", Body=text.encode())

    def images(self, region: str = REGION) -> list[dict[str, Any]]:
        found = self.lab.client("ec2", region).describe_images(Owners=["self"])["Images"]
        return [dict(each) for each in found]

    @property
    def launched(self) -> int:
        """How many machines there ever were."""
        return len(list(self.lab.cloud.life))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    packed = tmp_path / "agent.tar.gz"
    packed.write_bytes(b"agent")
    with Cloud() as cloud:
        yield Lab(cloud, Packed(packed, digest="0" * 64))


@pytest.fixture
def bench(lab: Lab, admin: Calls) -> Bench:
    return Bench(lab, admin, lab.set_up(admin))
