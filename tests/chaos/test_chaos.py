"""Some runs of chaos, and many: `python -m tests.chaos` says what a run is."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.testing.s3_servers import program
from tests.acceptance.conftest import end_world
from tests.chaos.__main__ import main
from tests.chaos.oracles import wrong
from tests.chaos.plan import Blow, Kind, Phase, StoreKind, Victim, drawn
from tests.chaos.run import Grounds, played, staged
from tests.chaos.work import Itemwise

_QUICK = (15, 40)


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    with Grounds(tmp_path_factory.mktemp("chaos")) as made:
        yield made


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", _QUICK)
def test_a_job_comes_home_whole_through_chaos(grounds: Grounds, seed: int) -> None:
    plan = drawn(seed, motion=False, slow=False)
    if plan.store is not StoreKind.FOLDER and not program("weed"):
        pytest.skip("SeaweedFS is not installed: make test installs it")
    verdict = played(plan, grounds)
    assert not verdict.wrong, f"{plan}\n{verdict.wrong}\n{verdict.story}"


def test_a_seed_says_all_of_a_run() -> None:
    plans = [drawn(seed) for seed in range(200)]
    assert plans == [drawn(seed) for seed in range(200)]
    strikes = [strike for plan in plans for strike in plan.strikes]
    assert {strike.phase for strike in strikes} == set(Phase)
    assert {strike.victim for strike in strikes} == set(Victim)
    assert {strike.blow for strike in strikes} == set(Blow)
    assert len({str(plan) for plan in plans}) == 200


@pytest.fixture
def home(grounds: Grounds, tmp_path: Path) -> Iterator[tuple[Callable[[], str], Path, JobRecords]]:
    """What the oracles say of a job that is home, its folder, and its records."""
    plan = replace(drawn(1), kind=Kind.PIECES, store=StoreKind.FOLDER, strikes=(), items=3)
    plan = replace(plan, pieces=2, machines=1, nap_s=0, large=False)
    with staged(plan, grounds, tmp_path) as scene:
        world, work = scene.world, Itemwise(plan)
        work.prepare(world.project)
        number = work.hand_in(world)
        project = world.wait_for_end(number, seconds=100).project
        records = JobRecords(scene.store, project, number)
        yield (
            lambda: "\n".join(wrong(world, number, scene.store, work)),
            world.project / work.out,
            records,
        )
        end_world(world)


@pytest.mark.timeout(300)
def test_what_is_wrong_is_found(home: tuple[Callable[[], str], Path, JobRecords]) -> None:
    says, folder, records = home
    assert not says()
    for path, word in (
        ("joined", "other bytes: joined"),
        ("run.out", "run.out is"),
        ("run.err", "run.err is"),
        ("RELION_JOB_EXIT_FAILURE", "markers are"),
        ("deep/more", "only at home: deep/more"),
    ):
        before = (folder / path).read_bytes() if (folder / path).exists() else None
        (folder / path).write_bytes(b"x")
        assert word in says()
        if before is None:
            (folder / path).unlink()
        else:
            (folder / path).write_bytes(before)
    assert not says()
    store, top = records.store, f"{records.project}/jobs/{records.number:08d}"
    manifest = f"jobs/{records.number:08d}/out/main/000001/@manifest"
    digest = digest_of(store.get(f"{records.project}/{manifest}"))
    IndexLog(store, records.project).append_manifest("again", manifest, digest)
    assert "twice ['Work/job001/deep" in says()
    store.put(f"{top}/turns/000002/000003", store.get(f"{top}/turns/000002/000002"))
    assert "may not follow" in says()
    store.delete(f"{top}/end")
    assert "the job's end in the store is None" in says()


@pytest.mark.soak
@pytest.mark.relion
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("first", [1, 51, 101, 151], ids="seeds from {}".format)
def test_many_jobs_come_home_whole_through_chaos(first: int, tmp_path: Path) -> None:
    if not program("weed") or shutil.which("relion_run_motioncorr") is None:
        pytest.skip("needs SeaweedFS, MiniStack and RELION: make soak installs them")
    runs = ["--runs", "50", "--seed", str(first), "--jobs", "2"]
    assert main([*runs, "--folder", str(tmp_path)]) == 0
