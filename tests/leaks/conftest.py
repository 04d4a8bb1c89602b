"""A job at a simulated AWS whose laptop is gone, and another user on another one."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cryoem_cloud.model.record import JSON
from tests.acceptance.conftest import World
from tests.chaos.work import Itemwise
from tests.leaks.account import Leased, leased, reserve, until
from tests.leaks.machines import AgentMachines
from tests.leaks.plan import drawn
from tests.leaks.python import paced_python
from tests.leaks.run import work_of
from tests.leaks.watch import Watch


@dataclass
class Scene:
    """A job whose laptop is gone, and `bea`, who has joined the account and its project."""

    leased: Leased
    machines: AgentMachines
    watch: Watch
    work: Itemwise
    number: int
    project: str
    bea: World

    def json(self, *words: str) -> JSON:
        said: JSON = json.loads(self.bea.command("cryoem", *words, "--json"))
        assert said["v"] == 1
        return said

    def gone(self, seconds: float = 30) -> None:
        until(lambda: not self.leased.cloud.living(), seconds, "machines do not end")

    def fleet(self) -> JSON:
        (found,) = self.json("reap", "--dry-run")["fleets"]
        return found


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    return paced_python(tmp_path_factory.mktemp("python") / "own")


@pytest.fixture
def scene(tmp_path: Path, python: str, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """With so many machines, each of which has begun to work, and items that last so long."""
    count, nap_s = getattr(request, "param", (1, 1.0))
    pieces = 2 * count if count > 1 else 1
    plan = replace(drawn(1), machines=count, pieces=pieces, nap_s=nap_s)
    packed = tmp_path / "agent.tar.gz"
    packed.write_bytes(b"agent")
    machines = AgentMachines(tmp_path / "machines", python, plan.minute_s)
    with ExitStack() as stack:
        account = stack.enter_context(
            leased(tmp_path, python, machines, minute_s=1.0, archive=(packed, "0" * 64))
        )
        machines.aws_url = machines.store_url = account.cloud.url
        ada, bea = account.laptop("ada"), account.laptop("bea")
        watch = Watch(account)
        work = Itemwise(work_of(plan), machine="m5.large")
        work.prepare(ada.project)
        watch.begin()
        stack.callback(watch.end)
        reserve(ada)
        number = work.hand_in(ada)
        project = ada.card(number).project

        def at_work() -> bool:
            lives = [life for life in watch.lives.values() if life.progress]
            return len(lives) == count

        until(at_work, 40, "machines do not begin")
        ada.kill()
        bea.command("cryoem", "project", "attach", account.store, project)
        yield Scene(account, machines, watch, work, number, project, bea)
