"""The pure parts of benchmarks/transfer: medians, ratios, tables, bounds, data."""

from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from PIL import Image

from benchmarks.transfer.bench import same_files
from benchmarks.transfer.camera import HOT_RATE, camera, chances, table
from benchmarks.transfer.cases import CASES
from benchmarks.transfer.datasets import PLAIN, make, shape_of
from benchmarks.transfer.entropy import bits, bound, mean_bits
from benchmarks.transfer.figures import OURS, Run, Target, figure, medians, order
from benchmarks.transfer.formats import FORMATS, events
from benchmarks.transfer.plot import draw, relative
from benchmarks.transfer.rivals import PACKAGES
from benchmarks.transfer.table import calls_list, clients_table, targets_table


def run(client: str, wall_s: float, *, fault: str = "", row: str = "up", received: int = 50) -> Run:
    return Run(
        row=row,
        client=client,
        number=0,
        wall_s=wall_s,
        cpu_s=wall_s / 2,
        rss_mb=100,
        files=1,
        bytes=100,
        bound=4.0,
        received=received,
        sent=0,
        fault=fault,
    )


RUNS = [
    *(run(OURS, wall_s) for wall_s in (1.0, 9.0, 2.0)),
    *(run("s5cmd", wall_s) for wall_s in (8.0, 4.0)),
    run("s5cmd", 0.1, fault="not all was sent"),
    run("rclone", 5.0),
]


def test_medians_are_of_runs_without_a_fault() -> None:
    found = medians(RUNS)
    assert found["up", OURS]["wall_s"] == 2.0
    assert found["up", "s5cmd"]["wall_s"] == 6.0


def test_a_ratio_is_ours_over_the_best_of_theirs() -> None:
    target = Target(key="best", against=("s5cmd", "rclone"), most=0.3)
    found = figure(medians(RUNS), "up", target)
    assert (found.found, found.met, found.promised) == (0.4, False, "≤ 0.3")


def test_a_gain_is_theirs_over_ours() -> None:
    found = figure(medians(RUNS), "up", Target(key="gain", against=("s5cmd",), least=3.0))
    assert (found.found, found.met, found.promised) == (3.0, True, "≥ 3")


def test_a_target_may_be_a_median_or_of_another_row() -> None:
    runs = [*RUNS, run(OURS, 3.0, row="many")]
    alone = figure(medians(runs), "up", Target(key="memory", what="rss_mb", most=256))
    assert (alone.found, alone.met) == (100, True)
    other = Target(key="flat", against=(OURS,), of_row="up", most=1.25)
    assert figure(medians(runs), "many", other).found == 1.5


def test_what_was_not_measured_is_not_kept() -> None:
    target = Target(key="raw", against=("obstore",), most=1)
    found = figure(medians(RUNS), "up", target)
    assert (found.found, found.met) == (None, False)
    assert "not measured" in targets_table([found])


def test_each_client_begins_as_often() -> None:
    assert [order("abc", number)[0] for number in range(6)] == [*"abcabc"]
    assert sorted(order("abc", 4)) == [*"abc"]


def test_the_table_says_how_near_the_bound_and_what_failed() -> None:
    shown = clients_table([*RUNS, run("obstore", 1.0, fault="exit code 134: Aborted")])
    ours, s5cmd, *_, obstore = shown.splitlines()[2:]
    assert "| ours | 2.00 (1.00 to 9.00) |" in ours
    assert "2.00 (50 %)" in ours  # half of the bytes were sent, a quarter is the least
    assert "| 0.33 |" in s5cmd
    assert "2 of 3" in s5cmd
    assert "failed: exit code 134" in obstore


def test_missed_targets_are_shown_with_their_figure() -> None:
    found = figure(medians(RUNS), "up", Target(key="best", against=("rclone",), most=0.3))
    assert "| up | best | ≤ 0.3 | 0.4 | **missed** |" in targets_table([found])


def test_a_resent_upload_is_told_in_mb() -> None:
    killed = replace(run(OURS, 1.0), resent_mb=118.4)
    assert "118 MB resent" in clients_table([killed])


def test_rivals_are_shown_as_they_are_called() -> None:
    shown = calls_list()
    assert "`s5cmd --endpoint-url SERVER --log error --numworkers 16 cp --concurrency 8" in shown
    assert "`python benchmarks/transfer/obstore_client.py up DATA PLACE SERVER 16`" in shown
    assert all(f"`{package}`" in shown for package in PACKAGES)


def test_a_picture_is_made_of_rows_with_s5cmd(tmp_path: Path) -> None:
    runs = [*RUNS, run(OURS, 1.0, row="memory")]
    assert relative(runs) == {"up": {OURS: 2 / 6, "s5cmd": 1.0, "rclone": 5 / 6}}
    draw(runs, tmp_path / "page.svg")
    drawn = (tmp_path / "page.svg").read_text(encoding="utf-8")
    assert "<svg" in drawn
    draw(runs, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text(encoding="utf-8") == drawn


def test_runs_are_kept_as_json() -> None:
    assert Run.from_json(RUNS[0].to_json()) == RUNS[0]


def test_every_figure_has_a_key_of_its_own_in_its_case() -> None:
    for rows in CASES.values():
        keys = [target.key for row in rows for target in row.targets]
        assert len(keys) == len(set(keys))
        assert all(
            (each.most is None) != (each.least is None) for row in rows for each in row.targets
        )
        assert all(OURS in row.clients for row in rows)
    short = {target.key for row in CASES["short"] for target in row.targets}
    assert short >= {"up_vs_s5cmd", "down_vs_best", "noop_vs_s5cmd"}


def test_entropy_is_in_bits() -> None:
    assert bits((0.5, 0.25, 0.25, 0.0)) == 1.5
    assert bits((1.0,)) == 0
    assert mean_bits([(0.5, 0.5), (1.0,)], [0.25, 0.75]) == 0.25
    assert bound(100, 200) == 4


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.5, HOT_RATE])
def test_counts_are_those_of_a_camera_that_loses_coincident_electrons(rate: float) -> None:
    likely = chances(rate)
    mean = sum(count * chance for count, chance in enumerate(likely))
    assert sum(likely) == pytest.approx(1)
    assert mean <= rate
    assert mean == pytest.approx(rate, rel=0.1) or rate == HOT_RATE
    drawn = np.bincount(table(rate), minlength=len(likely)) / 2**16
    assert drawn == pytest.approx(likely, abs=2e-5)


def test_frames_have_hot_pixels_dead_columns_and_ice() -> None:
    seen = camera(512, 1.0)
    frames = np.stack(list(seen.frames(40, seed=1))).astype(int)
    mean = frames.mean(axis=0)
    assert (mean.max(axis=0) == 0).sum() == 3
    assert (mean > 5).any()
    assert mean[:, -100:].mean() > 1.2 * mean[:, :100].mean()
    assert np.array_equal(frames[0], next(seen.frames(1, seed=1)))
    values = np.bincount(frames.reshape(-1)) / frames.size
    assert seen.bits_a_pixel < bits(values.tolist()) < 1.05 * seen.bits_a_pixel


def test_electron_events_read_back() -> None:
    hits, finer = np.array([0, 127, 128, 256, 600]), np.array([1, 2, 3, 4, 15])
    stream = np.unpackbits(np.frombuffer(events(hits, finer), np.uint8), bitorder="little")

    def number(at: int, width: int) -> int:
        return int(stream[at : at + width] @ (1 << np.arange(width)))

    found = list[tuple[int, int]]()
    at = place = 0
    while at < len(stream) - 11:
        place += number(at, 7)
        if number(at, 7) < 127:
            found.append((place, number(at + 7, 4)))
            place += 1
            at += 4
        at += 7
    assert found == list(zip(hits.tolist(), finer.tolist(), strict=True))


@pytest.mark.parametrize(("name", "mode"), [("int8", 0), ("u16", 6), ("f32", 2)])
def test_sets_of_movies_are_mrc_with_a_bound(tmp_path: Path, name: str, mode: int) -> None:
    made = make(tmp_path / name, name, 0.0005)
    paths = sorted((tmp_path / name).iterdir())
    assert made["files"] == len(paths) == 3
    assert made["bytes"] == sum(path.stat().st_size for path in paths)
    with mrcfile.open(paths[0]) as movie:
        assert movie.header.mode == mode
        assert movie.data.shape == (4, 512, 512)
    a_pixel = {"int8": 8, "u16": 16, "f32": 32}[name]
    assert 0.45 * a_pixel < made["bound"] < 0.65 * a_pixel


def test_lzw_and_electron_events_leave_little_to_win(tmp_path: Path) -> None:
    for name in ("lzw", "eer"):
        assert 1.0 < make(tmp_path / name, name, 0.0005)["bound"] < 1.4
    with Image.open(next((tmp_path / "lzw").iterdir())) as movie:
        assert movie.info["compression"] == "tiff_lzw"


def test_full_sets_are_as_promised() -> None:
    shape = shape_of(FORMATS["int8"], 1)
    assert (shape.movies, shape.side, shape.frames) == (6, 4096, 40)
    assert shape_of(FORMATS["f32"], 1).movies == 3
    for name, count, size in (
        ("large", 4, 10**9),
        ("medium", 64, 64 * 10**6),
        ("small", 5000, 20_000),
    ):
        assert (PLAIN[name].scaled(1).count, PLAIN[name].scaled(1).size) == (count, size)
    assert (PLAIN["large"].scaled(0.1).count, PLAIN["large"].scaled(0.1).size) == (4, 10**8)
    assert PLAIN["medium"].scaled(0.5).count == 32


def test_no_two_files_of_a_set_are_the_same(tmp_path: Path) -> None:
    for name in ("large", "small"):
        make(tmp_path / name, name, 0.002)
        bodies = [path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()]
        assert len(set(bodies)) == len(bodies)
        assert len({len(body) for body in bodies}) == 1


def test_folders_are_compared_by_names_sizes_and_bytes(tmp_path: Path) -> None:
    for name, body in (("one", b"abc"), ("other", b"abd")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_bytes(body)
    assert same_files(tmp_path / "one", tmp_path / "other", exact=False)
    assert not same_files(tmp_path / "one", tmp_path / "other", exact=True)
    (tmp_path / "other" / "f").write_bytes(b"abcd")
    assert not same_files(tmp_path / "one", tmp_path / "other", exact=False)
