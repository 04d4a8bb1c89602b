"""Another user, on another laptop, when the one that launched is gone for ever."""

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

pytestmark = pytest.mark.timeout(300)
_LONG = pytest.mark.parametrize("scene", [(1, 5.0)], indirect=True)
"""A job that goes on while a few commands are typed."""


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


@_LONG
def test_it_lists_them_and_follows_their_job(scene: Scene) -> None:
    (machine,) = scene.json("machines", "ls")["machines"]
    assert (machine["project"], machine["job"]) == (scene.project, scene.number)
    assert machine["name"] in scene.bea.command("cryoem", "machines", "ls")
    (job,) = scene.json("ls")["jobs"]
    assert (job["number"], job["phase"]) == (scene.number, "running")
    assert "submitted by ada@" in job["note"]
    assert machine["name"] in scene.bea.command("cryoem", "show", str(scene.number))
    until(
        lambda: "at i00" in scene.bea.command("cryoem", "logs", str(scene.number)),
        30,
        "no line of the log",
    )
    scene.gone(90)
    assert scene.fleet()["verdict"] == "ended"


def test_it_finishes_their_job(scene: Scene) -> None:
    scene.bea.command("cryoem", "pull", "raw", "items.txt")
    scene.bea.command("cryoem", "adopt", str(scene.number))
    scene.bea.wait_for_end(scene.number, seconds=90)
    assert scene.work.wrong(scene.bea.project) == []
    scene.gone()


@_LONG
def test_it_stops_their_job(scene: Scene) -> None:
    scene.bea.command("cryoem", "stop", str(scene.number))
    scene.gone()
    assert scene.fleet()["verdict"] == "ended"
    assert not scene.leased.cloud.living()


@_LONG
def test_it_reaps_nothing_that_is_needed(scene: Scene) -> None:
    fleet = scene.fleet()
    assert (fleet["verdict"], len(fleet["machines"])) == ("open", 1)
    scene.bea.command("cryoem", "reap")
    assert len(scene.leased.cloud.living()) == 1
    scene.gone(90)
    assert scene.watch.job_ended


@pytest.mark.parametrize("scene", [(2, 1.0)], indirect=True)
def test_it_reaps_a_machine_that_hangs_after_the_jobs_end(scene: Scene) -> None:
    hung = scene.leased.cloud.living()[0].id
    scene.machines.freeze(hung)
    until(lambda: scene.watch.job_ended, 120, "the other machine does not do the work")
    scene.bea.command("cryoem", "reap")
    scene.gone(20)
    assert not scene.leased.kept() or scene.bea.command("cryoem", "reap") == ""
    assert not scene.leased.kept()


@_LONG
def test_it_ends_one_machine_and_has_the_job_finished(scene: Scene) -> None:
    (machine,) = scene.leased.cloud.living()
    scene.bea.command("cryoem", "machines", "kill", machine.id)
    scene.gone()
    scene.bea.command("cryoem", "adopt", str(scene.number))
    scene.bea.wait_for_end(scene.number, seconds=150)
    assert scene.bea.card(scene.number).reason == ""
    scene.gone()
