"""Another user, on another laptop, when the one that launched is gone for ever."""

import pytest

from tests.leaks.account import until
from tests.leaks.conftest import Scene

pytestmark = [pytest.mark.soak, pytest.mark.timeout(300)]
_LONG = pytest.mark.parametrize("scene", [(1, 5.0)], indirect=True)
"""A job that goes on while a few commands are typed."""


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
