"""RELION's GUI, driven as a user does: what it shows of jobs that run elsewhere.

With `GUI_PICTURES=FOLDER` it leaves pictures of the window there; `-o junit_family=xunit1
--junitxml=FILE` has the times.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome

from .gui import PROGRAMS, Gui, opened
from .relion_user import ABORTED, FAILED, FINISHED, RUNNING, SCHEDULED, RelionUser, spare, worked

__all__ = ["spare", "worked"]

pytestmark = [pytest.mark.relion, pytest.mark.soak, pytest.mark.timeout(300)]

Record = Callable[[str, object], None]
_PICTURES = os.environ.get("GUI_PICTURES", "")
_RUNNING_TAB = 612
_UNTIL_SHOWN_S = 5


@pytest.fixture
def gui(worked: RelionUser) -> Iterator[Gui]:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: apt-get install xvfb xdotool imagemagick")
    with opened(worked) as made:
        yield made


@pytest.fixture
def long_class2d(worked: RelionUser) -> None:
    """Class2D's window proposes a job of many iterations."""
    folder = worked.add("Class2D", worked.folders, "nr_iter == 999")
    assert worked.status(folder) == SCHEDULED


def _picture(gui: Gui, name: str, **how: int) -> None:
    if _PICTURES:
        gui.shot(Path(_PICTURES) / f"gui-{name}.png", **how)


def _next(user: RelionUser, kind: str) -> str:
    return f"{kind}/job{user.counter():03d}"


def _became(user: RelionUser, folder: str, status: str, *, seconds: float = 60) -> None:
    user.world.wait_for(lambda: user.status(folder) == status, seconds=seconds)


def _programs(user: RelionUser) -> list[str]:
    """RELION's programs that run for the user, its window aside."""
    lines = [" ".join(process.words) for process in user.world.processes("command")]
    return [line for line in lines if "relion_refine" in line]


def _run_class2d(gui: Gui) -> str:
    """*Run!* a long Class2D, and wait for its first iterations."""
    name = _next(gui.user, "Class2D")
    gui.pick("Class2D")
    gui.tab(_RUNNING_TAB)
    _picture(gui, "running-tab", height=406)
    gui.run()
    model = gui.user.project / name / "run_it002_model.star"
    gui.user.world.wait_for(model.exists, seconds=60)
    assert gui.user.status(name) == RUNNING
    return name


def test_run_finishes_by_itself_and_continue_goes_on(gui: Gui, record_property: Record) -> None:
    user = gui.user
    name = _next(user, "MotionCorr")
    folder = user.project / name
    gui.pick("MotionCorr")
    gui.run()
    _became(user, name, FINISHED)
    shown_s = time.time()
    home_s = max(path.stat().st_ctime for path in folder.rglob("*.star") if path.name[0] == "c")
    record_property("finished_shown_after_s", round(shown_s - home_s, 1))
    assert shown_s - home_s < _UNTIL_SHOWN_S
    _picture(gui, "finished")
    gui.finished(0)
    gui.run()
    user.world.wait_for(lambda: len(user.cards(name)) == 2, seconds=20)
    _became(user, name, FINISHED)
    user.ended(name)
    assert [card.outcome for card in user.cards(name)] == [Outcome.SUCCESS] * 2
    assert "skipping all micrographs" in (folder / "run.out").read_text()


@pytest.mark.usefixtures("long_class2d")
def test_abort_continue_alias_and_delete_of_a_job_that_runs(
    gui: Gui, record_property: Record
) -> None:
    user = gui.user
    name = _run_class2d(gui)
    _picture(gui, "running")
    assert _programs(user)
    gui.act("Abort running", sure=True)
    asked_s = time.time()
    _became(user, name, ABORTED)
    record_property("aborted_shown_after_s", round(time.time() - asked_s, 1))
    assert not _programs(user)
    assert user.ended(name).outcome is Outcome.ABORTED
    _picture(gui, "aborted")
    gui.finished(0)
    gui.continue_from(f"{name}/run_it002_optimiser.star")
    gui.run()
    _became(user, name, RUNNING)
    ct = user.project / name / "run_ct2_it003_model.star"
    user.world.wait_for(ct.exists, seconds=60)
    gui.running()
    gui.alias("quick")
    alias = user.project / "Class2D/quick"
    user.world.wait_for(alias.is_symlink, seconds=10)
    more = len(list(alias.iterdir())) + 8
    user.world.wait_for(lambda: len(list(alias.iterdir())) >= more, seconds=60)
    gui.act("Delete", sure=True)
    card = user.ended(name)
    assert card.outcome is Outcome.ABORTED
    assert "deleted" in card.reason
    assert not _programs(user)
    assert not (user.project / name).exists()
    assert not alias.is_symlink()
    assert (user.project / "Trash" / name / "run_ct2_it003_model.star").exists()
    assert (user.project / "Trash" / name / "RELION_JOB_EXIT_ABORTED").exists()
    assert user.status(name) == ""


@pytest.mark.usefixtures("long_class2d")
def test_a_job_that_is_retried_is_marked_by_hand(gui: Gui) -> None:
    """RELION looks at the markers of jobs that run, and at no others."""
    user = gui.user
    name = _run_class2d(gui)
    gui.act("Abort running", sure=True)
    _became(user, name, ABORTED)
    aborted = user.ended(name)
    short = user.project / "short.script"  # the same folder, and it ends at once, and well
    short.write_text(f"touch {name}/RELION_JOB_EXIT_SUCCESS\n")
    script = user.world.records(aborted.number).job().script_path
    shutil.copy(short, user.project / script)
    told = user.world.command("cryoem-qsub", str(user.project / script))
    assert told.startswith("Submitted")
    user.world.wait_for(lambda: len(user.cards(name)) == 2, seconds=20)
    assert user.ended(name).outcome is Outcome.SUCCESS
    assert (user.project / name / "RELION_JOB_EXIT_SUCCESS").exists()
    user.say("relion_pipeliner", "--check_job_completion")
    time.sleep(_UNTIL_SHOWN_S)
    assert user.status(name) == ABORTED
    gui.finished(0)
    gui.act("Mark as finished")
    _became(user, name, FINISHED)


@pytest.mark.usefixtures("long_class2d")
@pytest.mark.parametrize(("mark", "status"), [("finished", FINISHED), ("failed", FAILED)])
def test_a_mark_ends_the_program_and_stands(gui: Gui, mark: str, status: str) -> None:
    user = gui.user
    name = _run_class2d(gui)
    gui.running()
    gui.act(f"Mark as {mark}")
    _became(user, name, status)
    card = user.ended(name)
    assert card.outcome is Outcome.ABORTED
    assert f"marked as {mark}" in card.reason
    assert not _programs(user)
    assert not list((user.project / name).glob("RELION_JOB_EXIT_*"))
    user.say("relion_pipeliner", "--check_job_completion")
    assert user.status(name) == status
