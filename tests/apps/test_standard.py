"""The standard set: the same everywhere, and its command computes what it says of itself."""

from pathlib import Path

import numpy as np
import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion, standard
from cryoem_cloud.apps.relion.standard import BOX_PX, Standard, written
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.testing.application_contract import job_of

IMAGES = 16


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standard, "IMAGES", IMAGES)


@pytest.mark.parametrize("on_gpus", [False, True])
def test_its_command_computes_what_it_says(tmp_path: Path, on_gpus: bool) -> None:  # noqa: FBT001  (a case)
    made = Standard(particles=400, on_gpus=on_gpus)
    written(made, tmp_path, "Benchmark")
    script = made.script("Benchmark", "Benchmark/g6.xlarge", 1)
    job = job_of(Relion(), Asked(project=tmp_path, script=script))
    assert job.outputs == ("Benchmark/g6.xlarge",)
    found = Relion().work(job, Here(tmp_path))
    assert found is not None
    for name in ("program", "items", "box_px", "classes", "iterations", "on_gpus"):
        assert getattr(found, name) == getattr(made.work, name)
    assert not list(tmp_path.rglob(".*.part"))


def test_particles_are_the_same_each_time_and_as_relion_wants_them(tmp_path: Path) -> None:
    stacks = []
    for name in ("one", "two"):
        written(Standard(particles=20), tmp_path / name, "B")
        stacks.append((tmp_path / name / "B/particles.mrcs").read_bytes())
    assert stacks[0] == stacks[1]
    assert len(stacks[0]) == 1024 + IMAGES * BOX_PX**2 * 4
    images = np.frombuffer(stacks[0][1024:], "<f4").reshape(IMAGES, BOX_PX, BOX_PX)
    grid = np.arange(BOX_PX) - BOX_PX / 2
    outside = np.hypot(grid[:, None], grid) > BOX_PX * 0.45
    assert abs(images[:, outside].mean()) < 1e-3
    assert images[:, outside].std() == pytest.approx(1, abs=1e-3)
    assert images[:, np.hypot(grid[:, None], grid) < 30].mean() > 0.1
    assert not np.array_equal(images[0], images[8])


def test_what_is_there_is_not_made_again_and_long_lists_name_images_again(tmp_path: Path) -> None:
    written(Standard(particles=20), tmp_path, "B")
    stack = tmp_path / "B/particles.mrcs"
    stack.write_bytes(b"mine")
    written(Standard(particles=40), tmp_path, "B")
    assert stack.read_bytes() == b"mine"
    rows = (tmp_path / "B/particles_000040.star").read_text().splitlines()
    assert sum("@B/particles.mrcs" in row for row in rows) == 40
    assert sum(row.startswith("000001@") for row in rows) == 3
