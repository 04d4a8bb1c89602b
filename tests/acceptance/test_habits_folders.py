"""What users do to a job's folder in RELION: clean it, delete it, rename it by an alias."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from cryoem_cloud.model.job import Outcome

from .relion_user import FINISHED, RelionUser, spare, worked

__all__ = ["spare", "worked"]

pytestmark = [pytest.mark.relion, pytest.mark.timeout(300)]


def _number(folder: str) -> str:
    return folder.rpartition("job")[2].lstrip("0")


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_what_was_cleaned_is_taken_from_the_store_or_computed_again(worked: RelionUser) -> None:
    user = worked
    extract, corrected = user.project / user.folders["Extract"], user.folders["MotionCorr"]
    user.say("relion_pipeliner", "--harsh_clean", _number(user.folders["Extract"]))
    user.say("relion_pipeliner", "--harsh_clean", _number(corrected))
    movies = user.project / corrected / "Movies"
    assert not (extract / "Movies").exists()
    assert not list(movies.glob("*.mrc"))
    for kind in ("CtfFind", "Class2D"):
        name = user.add(kind, user.folders)
        user.run(name)
        assert user.status(name) == FINISHED
        assert user.ended(name).outcome is Outcome.SUCCESS
    assert not (extract / "Movies").exists()
    assert not list(movies.glob("*.mrc"))
    user.go_on(corrected)
    assert user.status(corrected) == FINISHED
    assert len(list(movies.glob("*.mrc"))) == 3


def test_results_come_to_the_folder_of_a_job_that_has_an_alias(worked: RelionUser) -> None:
    user = worked
    name = user.add("MotionCorr", user.folders, alias="fast")
    alias = user.project / "MotionCorr/fast"
    assert alias.readlink() == Path(f"../{name}/")
    user.run(name)
    assert user.ended(name).outcome is Outcome.SUCCESS
    assert alias.readlink() == Path(f"../{name}/")
    assert (user.project / name / "corrected_micrographs.star").exists()
    reader = user.add("CtfFind", user.folders | {"MotionCorr": "MotionCorr/fast"})
    user.run(reader)
    assert user.ended(reader).outcome is Outcome.SUCCESS
    assert "MotionCorr/fast/" in (user.project / reader / "run_submit.script").read_text()


@pytest.mark.soak
def test_several_jobs_run_at_once(worked: RelionUser) -> None:
    user = worked
    kinds = ("MotionCorr", "CtfFind", "AutoPick", "Extract", "Class2D", "Class2D")
    names = [user.add(kind, user.folders) for kind in kinds]
    with ExitStack() as stack:
        pipeliners = [stack.enter_context(user.running(name)) for name in names]
        for pipeliner in pipeliners:
            said, _ = pipeliner.communicate(timeout=200)
            assert pipeliner.returncode == 0, said
    assert [user.ended(name).outcome for name in names] == [Outcome.SUCCESS] * len(names)
    assert [user.status(name) for name in names] == [FINISHED] * len(names)
