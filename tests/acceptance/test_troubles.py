"""What goes wrong around a job: folders, disks, stores, users. Each with what the card says."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cards import Cards
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase

from .conftest import FAILURES, SUCCESS, World, end_world, make_world

_SLOW = "for n in $(seq 1 {n}); do echo $n; echo $n > {name}/f$n; sleep 0.1; done\n"
_LONG = _SLOW.format(n=600, name="Shell/job001")


def runs(world: World, number: int) -> Callable[[], bool]:
    """Whether a first result is at home."""
    return (world.project / world.card(number).name / "f3").exists


def nothing_is_left(world: World, *, seconds: float = 30) -> None:
    world.wait_for(lambda: not world.processes("agent", "leash", "command"), seconds=seconds)
    world.wait_for(lambda: not world.left_behind(), seconds=5)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own."""
    if os.getuid() != 0:
        pytest.skip("only root mounts")
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False
    )
    if done.returncode:
        pytest.skip("no mounts here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


# The user's folders


def test_a_deleted_job_folder_stops_the_job_and_stays_deleted(world: World) -> None:
    number = world.submit(_LONG)
    world.wait_for(runs(world, number), seconds=20)
    folder = world.project / "Shell/job001"
    while folder.exists():  # as `rm -rf` again, where a file came home just then
        shutil.rmtree(folder, ignore_errors=True)
    card = world.wait_for_end(number, seconds=30)
    assert card.outcome is Outcome.ABORTED
    assert "deleted" in card.reason
    nothing_is_left(world, seconds=5)
    assert not folder.exists()


def test_a_job_folder_in_the_trash_stops_the_job(world: World) -> None:
    number = world.submit(_LONG)
    world.wait_for(runs(world, number), seconds=20)
    trash = world.project / "Trash/Shell"
    trash.mkdir(parents=True)
    (world.project / "Shell/job001").rename(trash / "job001")
    (world.project / "Shell/job001").mkdir()
    card = world.wait_for_end(number, seconds=30)
    assert card.outcome is Outcome.ABORTED
    nothing_is_left(world, seconds=5)
    assert list((world.project / "Shell/job001").iterdir()) == []
    assert not (trash / "job001" / SUCCESS).exists()
    assert (trash / "job001/RELION_JOB_EXIT_ABORTED").exists()  # for who takes it back


def test_a_job_that_was_marked_as_finished_stops(world: World) -> None:
    number = world.submit(_LONG)
    world.wait_for(runs(world, number), seconds=20)
    (world.project / "Shell/job001" / SUCCESS).touch()
    card = world.wait_for_end(number, seconds=30)
    assert card.outcome is Outcome.ABORTED
    nothing_is_left(world, seconds=5)
    assert (world.project / "Shell/job001" / SUCCESS).exists()
    assert not any((world.project / "Shell/job001" / name).exists() for name in FAILURES)


def test_a_renamed_project_goes_on_after_a_command_in_the_new_place(world: World) -> None:
    number = world.submit(_SLOW.format(n=40, name="Shell/job001"))
    world.wait_for(runs(world, number), seconds=20)
    new = world.project.with_name("renamed")
    world.project.rename(new)
    world.wait_for(lambda: "is not there" in world.card(number).note, seconds=10)
    assert not world.project.exists()
    world.front("look", cwd=new)
    card = world.wait_for_end(number, seconds=40)
    assert card.outcome is Outcome.SUCCESS
    assert card.folder == new
    assert (new / "Shell/job001/f40").read_text() == "40\n"
    assert (new / "Shell/job001" / SUCCESS).exists()
    assert not world.project.exists()


@pytest.mark.soak
def test_a_job_whose_project_is_gone_says_so_and_can_be_stopped(world: World) -> None:
    number = world.submit(_LONG)
    world.wait_for(runs(world, number), seconds=20)
    world.project.rename(world.home / "somewhere")
    world.wait_for(lambda: "is not there" in world.card(number).note, seconds=10)
    slip = f"{number:08d}.{world.card(number).project}"
    world.front("stop", slip, cwd=world.home)
    card = world.wait_for_end(number, seconds=50)
    assert card.outcome is Outcome.ABORTED
    nothing_is_left(world, seconds=5)
    assert not world.project.exists()


# Disks and stores


def test_a_full_disk_at_home_is_waited_for(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        made = make_world(tmp_path / "user")
        world = World(made.home, disk / "project", made.env)
        world.project.mkdir()
        try:
            (disk / "ballast").write_bytes(bytes(6_000_000))
            number = world.submit("head -c 4000000 /dev/zero > Shell/job001/big\necho made\n")
            world.wait_for(lambda: "free" in world.card(number).note, seconds=20)
            assert world.card(number).open
            (disk / "ballast").unlink()
            card = world.wait_for_end(number, seconds=40)
            assert card.outcome is Outcome.SUCCESS
            assert (world.project / "Shell/job001/big").stat().st_size == 4_000_000
            assert world.left_behind() == []
        finally:
            end_world(world)


def test_lines_that_find_no_room_are_waited_for(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        made = make_world(tmp_path / "user")
        world = World(made.home, disk / "project", made.env)
        world.project.mkdir()
        try:
            number = world.submit("sleep 2; head -c 300000 /dev/zero | tr '\\0' x; echo end\n")
            world.wait_for(lambda: world.card(number).phase is Phase.RUNNING, seconds=20)
            room = os.statvfs(disk)
            (disk / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize))
            world.wait_for(lambda: "No space" in world.card(number).note, seconds=20)
            (disk / "ballast").unlink()
            card = world.wait_for_end(number, seconds=40)
            assert card.outcome is Outcome.SUCCESS
            assert (world.project / "Shell/job001/run.out").read_text() == "x" * 300000 + "end\n"
        finally:
            end_world(world)


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_full_store_is_waited_for(tmp_path: Path, way: str) -> None:
    with small_disk(tmp_path / "store", "8m") as disk:
        world = make_world(tmp_path / "user", CRYOEM_STORE=disk.as_uri())
        try:
            (world.project / "in").write_bytes(bytes(3_000_000 if way == "in" else 10))
            size = 10 if way == "in" else 3_000_000
            (disk / "ballast").write_bytes(bytes(6_500_000))
            number = world.submit(
                f"cat in > Shell/job001/x; head -c {size} /dev/zero > Shell/job001/out\n",
                inputs=("in",),
            )
            if way == "in":
                world.wait_for(lambda: "free" in world.card(number).note, seconds=20)
            else:
                world.wait_for(lambda: world.card(number).phase is Phase.RUNNING, seconds=20)
                time.sleep(3)
            assert world.card(number).open
            (disk / "ballast").unlink()
            card = world.wait_for_end(number, seconds=60)
            assert card.outcome is Outcome.SUCCESS
            assert (world.project / "Shell/job001/out").stat().st_size == size
        finally:
            end_world(world)


def test_a_store_that_goes_away_and_comes_back_is_waited_for(world: World) -> None:
    number = world.submit(_SLOW.format(n=50, name="Shell/job001"))
    world.wait_for(runs(world, number), seconds=20)
    store = world.places.data / "store"
    store.rename(store.with_name("away"))
    world.wait_for(lambda: "is not there" in world.card(number).note, seconds=20)
    time.sleep(5)
    assert not store.exists()
    store.with_name("away").rename(store)
    card = world.wait_for_end(number, seconds=60)
    assert card.outcome is Outcome.SUCCESS
    out = (world.project / "Shell/job001/run.out").read_text().splitlines()
    assert out == [str(n) for n in range(1, 51)]


def test_an_unmounted_store_is_waited_for_and_not_begun_anew(world: World) -> None:
    number = world.submit(_SLOW.format(n=30, name="Shell/job001"))
    world.wait_for(runs(world, number), seconds=20)
    world.kill("courier", "agent")
    store = world.places.data / "store"
    store.rename(store.with_name("away"))
    store.mkdir()
    world.wake()
    world.wait_for(lambda: "does not hold the project" in world.card(number).note, seconds=20)
    assert "mounted" in world.card(number).note
    said = world.command("cryoem-qstat", str(number), str(number + 1))
    assert [row.split() for row in said.splitlines()[1:]] == [
        [str(number), "Shell/job001", "RUNNING"],
        [str(number + 1), "-", "UNKNOWN"],
    ]
    world.stop(world.submit("true\n", name="Shell/job002"))
    world.wait_for(lambda: "mounted" in world.card(number + 1).note, seconds=20)
    assert list(store.iterdir()) == []
    store.rmdir()
    store.with_name("away").rename(store)
    assert world.wait_for_end(number, seconds=90).outcome is Outcome.SUCCESS
    assert world.wait_for_end(number + 1).outcome is Outcome.ABORTED
    out = (world.project / "Shell/job001/run.out").read_text().splitlines()
    assert out == [str(n) for n in range(1, 31)]


# How commands end


def test_stop_is_term_then_kill(world: World) -> None:
    number = world.submit(
        "trap 'echo told > Shell/job001/told' TERM\necho up > Shell/job001/f3\n"
        "while :; do sleep 0.1; done\n"
    )
    world.wait_for(runs(world, number), seconds=20)
    world.stop(number)
    card = world.wait_for_end(number, seconds=30)
    assert card.outcome is Outcome.ABORTED
    assert (world.project / "Shell/job001/told").read_text() == "told\n"
    assert (world.project / "Shell/job001/RELION_JOB_EXIT_ABORTED").exists()
    nothing_is_left(world, seconds=5)


@pytest.mark.soak
def test_a_job_is_stopped_while_its_store_is_away(world: World) -> None:
    number = world.submit(_LONG)
    world.wait_for(runs(world, number), seconds=20)
    store = world.places.data / "store"
    store.rename(store.with_name("away"))
    world.stop(number)
    card = world.wait_for_end(number, seconds=50)
    assert card.outcome is Outcome.ABORTED
    assert (world.project / "Shell/job001/RELION_JOB_EXIT_ABORTED").exists()
    nothing_is_left(world, seconds=5)


def test_success_that_appears_in_mid_job_is_held_back(world: World) -> None:
    number = world.submit(
        f"touch Shell/job001/{SUCCESS}; echo a > Shell/job001/f3; sleep 3; exit 4\n"
    )
    world.wait_for(runs(world, number), seconds=20)
    time.sleep(1.5)
    assert not (world.project / "Shell/job001" / SUCCESS).exists()
    card = world.wait_for_end(number)
    assert (card.outcome, card.code) == (Outcome.FAILURE, 4)
    assert not (world.project / "Shell/job001" / SUCCESS).exists()


def test_a_command_without_memory_says_so(world: World) -> None:
    number = world.submit("ulimit -v 200000; exec python3 -c 'x = bytearray(10**9)'\n")
    card = world.wait_for_end(number)
    assert card.outcome is Outcome.FAILURE
    assert "MemoryError" in card.reason


@pytest.mark.alone
def test_a_missing_input_is_told_within_ten_seconds(world: World) -> None:
    (world.project / "Import/job001").mkdir(parents=True)
    (world.project / "Import/job001/movies.star").write_text(
        "data_movies\n\nloop_\n_rlnMicrographMovieName #1\nMovies/gone.tif\n\n"
    )
    name = "MotionCorr/job002"
    started = time.monotonic()
    number = world.submit(
        f"relion_run_motioncorr --i Import/job001/movies.star --o {name}/ --use_own"
        f" --pipeline_control {name}/\n",
        name=name,
    )
    card = world.wait_for_end(number, seconds=10)
    assert time.monotonic() - started < 10
    assert card.outcome is Outcome.FAILURE
    said = (world.project / name / "run.err").read_text()
    assert "Movies/gone.tif" in said
    assert "Import/job001/movies.star" in said
    assert all((world.project / name / marker).exists() for marker in FAILURES)


# Several


def test_a_job_waits_for_the_one_whose_output_it_reads(world: World) -> None:
    first = world.submit("sleep 4; echo made > Shell/job001/x\n")
    second = world.submit(
        "cat Shell/job001/x > Shell/job002/y\n", name="Shell/job002", inputs=("Shell/job001/x",)
    )
    world.wait_for(lambda: world.card(second).phase is Phase.WAITING, seconds=5)
    assert f"job {first}" in world.card(second).note
    assert world.wait_for_end(second).outcome is Outcome.SUCCESS
    assert (world.project / "Shell/job002/y").read_text() == "made\n"


@pytest.mark.timeout(180)
def test_ten_jobs_at_once_all_finish(world: World) -> None:
    numbers = [
        world.submit(_SLOW.format(n=20, name=f"Shell/job{n:03d}"), name=f"Shell/job{n:03d}")
        for n in range(1, 11)
    ]
    assert len(set(numbers)) == 10
    for n, number in enumerate(numbers, start=1):
        assert world.wait_for_end(number, seconds=120).outcome is Outcome.SUCCESS
        assert (world.project / f"Shell/job{n:03d}/f20").exists()
    nothing_is_left(world)


def test_two_couriers_of_one_job_deliver_it_once(tmp_path: Path) -> None:
    """Two homes stand for two hosts that see the same project and store."""
    store = (tmp_path / "store").as_uri()
    first = make_world(tmp_path / "a", CRYOEM_STORE=store)
    other = make_world(tmp_path / "b", CRYOEM_STORE=store)
    second = World(other.home, first.project, other.env)
    try:
        number = first.submit(_SLOW.format(n=60, name="Shell/job001"))
        first.wait_for(runs(first, number), seconds=20)
        for folder in ("spool", "jobs"):
            source, target = first.places.state / folder, second.places.state / folder
            shutil.copytree(source, target)
        cards = Cards(second.places.state / "jobs")
        cards.write(replace(second.card(number), courier=""))  # no courier of that host's has it
        second.wake()
        second.wait_for(lambda: "another courier" in second.card(number).note, seconds=20)
        assert first.wait_for_end(number).outcome is Outcome.SUCCESS
        assert second.wait_for_end(number).outcome is Outcome.SUCCESS
        turns = first.records(number).deliveries().read()
        assert [turn.deed.value for turn in turns] == ["claim", "done"]
        out = (first.project / "Shell/job001/run.out").read_text().splitlines()
        assert out == [str(n) for n in range(1, 61)]
        assert second.processes("agent") == ()
    finally:
        end_world(first)
        end_world(second)


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        "it's",
        'say "so"',
        "new\nline",
        "a\ttab",
        "#1",
        "Größe µ",
        "back\\slash",
        "%41 $HOME",
    ],
)
def test_a_project_may_have_any_name(tmp_path: Path, name: str) -> None:
    world = make_world(tmp_path, project=name)
    try:
        (world.project / f"{name} in").write_text("in\n")
        number = world.submit(
            "cat *in > Shell/job001/out; pwd > Shell/job001/at\n", inputs=(f"{name} in",)
        )
        assert world.wait_for_end(number).outcome is Outcome.SUCCESS
        assert (world.project / "Shell/job001/out").read_text() == "in\n"
        assert json.dumps(world.card(number).to_json())
    finally:
        end_world(world)
