"""*Continue!*, in both of RELION's forms, by relion_pipeliner through our queue."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.star import rows
from cryoem_cloud.model.job import Outcome

from .relion_user import ABORTED, FINISHED, RelionUser, spare, user, worked

__all__ = ["spare", "user", "worked"]

pytestmark = [pytest.mark.relion, pytest.mark.timeout(300)]

_LISTS = {
    "Import": "movies.star",
    "MotionCorr": "corrected_micrographs.star",
    "CtfFind": "micrographs_ctf.star",
    "Extract": "particles.star",
}


def _micrographs(star: Path) -> set[str]:
    """The micrographs that a list names, without folder and ending."""
    labels = {"rlnMicrographMovieName", "rlnMicrographName"}
    return {
        Path(row.values[next(iter(row.values))]).stem for row in rows(star, labels.__contains__)
    }


def _made(folder: Path, *micrographs: str) -> dict[str, tuple[int, int]]:
    """When, and as which file, what belongs to these micrographs was made."""
    found = [path for name in micrographs for path in folder.rglob(f"{name}[._]*")]
    stats = {path: path.lstat() for path in found if not path.is_symlink()}
    return {str(path): (stat.st_mtime_ns, stat.st_ino) for path, stat in stats.items()}


def test_jobs_go_on_with_more_movies_and_compute_each_micrograph_once(user: RelionUser) -> None:
    folders = user.add_chain("Extract")
    user.run(*folders.values())
    user.add_movies(4, 5)
    first, all_ = ("mic_001", "mic_002", "mic_003"), {f"mic_{n:03d}" for n in range(1, 6)}
    for kind, name in folders.items():
        folder = user.project / name
        made = _made(folder, *first)
        assert (kind == "Import") == (not made)
        logs = {log: (folder / log).read_text() for log in ("run.out", "run.err")}
        (folder / "RELION_JOB_ABORT_NOW").touch()
        user.go_on(name)
        assert user.status(name) == FINISHED
        assert _made(folder, *first) == made
        assert kind == "Import" or _made(folder, "mic_004", "mic_005")
        if kind in _LISTS:
            assert _micrographs(folder / _LISTS[kind]) == all_
        for log, text in logs.items():
            assert (folder / log).read_text().startswith(text)
        assert (folder / "run.out").stat().st_size > len(logs["run.out"])
        assert not (folder / "RELION_JOB_ABORT_NOW").exists()
    assert all(user.ended(name).outcome is Outcome.SUCCESS for name in folders.values())


def test_machines_share_the_movies_that_were_added(user: RelionUser) -> None:
    """RELION gives such a job --only_do_unfinished itself. What is not shared says why."""
    folders = user.add_chain("CtfFind")
    user.run(*folders.values())
    user.add_movies(4, 5)
    (user.project / ".cryoem" / "settings.toml").write_text("count = 2\n")
    for name in folders.values():
        user.go_on(name)
        assert user.status(name) == FINISHED
    script = user.project / folders["MotionCorr"] / "run_submit.script"
    assert "--only_do_unfinished" in script.read_text()
    said = {kind: (user.project / name / "run.out").read_text() for kind, name in folders.items()}
    assert all(f"== piece {n} of 2: movies {n} to {n} ==" in said["MotionCorr"] for n in (1, 2))
    few = "cryoem: runs on one machine: the micrographs that it has to do are too few to be shared"
    assert few in said["CtfFind"]
    all_ = {f"mic_{n:03d}" for n in range(1, 6)}
    for kind in ("MotionCorr", "CtfFind"):
        assert _micrographs(user.project / folders[kind] / _LISTS[kind]) == all_


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Class2D", {"nr_iter": "4"}),
        pytest.param("Class3D", {"nr_iter": "4"}, marks=pytest.mark.soak),
        pytest.param("InitialModel", {"sgd_fin_iter": "2"}, marks=pytest.mark.soak),
    ],
)
def test_a_finished_classification_goes_on_from_an_iteration(
    worked: RelionUser, kind: str, fields: dict[str, str]
) -> None:
    user = worked
    name = user.add(kind, user.folders)
    user.run(name)
    folder = user.project / name
    before, said = {path.name for path in folder.iterdir()}, (folder / "run.out").read_text()
    assert {"run_it003_optimiser.star", "RELION_JOB_EXIT_SUCCESS"} <= before
    user.go_on(name, fn_cont=f"{name}/run_it003_optimiser.star", **fields)
    assert user.status(name) == FINISHED
    assert user.ended(name).outcome is Outcome.SUCCESS
    assert before | {"run_ct3_it004_data.star"} <= {path.name for path in folder.iterdir()}
    assert (folder / "run.out").read_text().startswith(said)


def test_an_aborted_classification_goes_on(worked: RelionUser) -> None:
    user = worked
    name = user.add("Class2D", user.folders, "nr_iter == 999")
    folder = user.project / name
    with user.running(name):
        user.world.wait_for((folder / "run_it002_model.star").exists, seconds=60)
        (folder / "RELION_JOB_ABORT_NOW").touch()
        user.world.wait_for(lambda: user.status(name) == ABORTED, seconds=60)
    (folder / "PIPELINER_JOB_EXIT_ABORTED").touch()
    user.go_on(name, fn_cont=f"{name}/run_it002_optimiser.star", nr_iter="3")
    assert user.status(name) == FINISHED
    user.ended(name)
    assert [card.outcome for card in user.cards(name)] == [Outcome.ABORTED, Outcome.SUCCESS]
    assert (folder / "run_ct2_it003_data.star").exists()
    assert {path.name for path in folder.glob("*_JOB_*")} == {"RELION_JOB_EXIT_SUCCESS"}
