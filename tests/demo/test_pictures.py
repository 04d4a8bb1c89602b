"""The demo's pictures are of what RELION wrote: its STAR files and stacks, in RELION's own form."""

import json
import math
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from demo.pictures import class_averages, draw_classes, draw_tracks, tracks

PNG = b"\x89PNG\r\n\x1a\n"
PIXEL = 3.5

MODEL = """
# version 30001

data_model_general

_rlnReferenceDimensionality                        2
_rlnPixelSize                               7.000000
_rlnNrClasses                                      2


# version 30001

data_model_classes

loop_
_rlnReferenceImage #1
_rlnClassDistribution #2
_rlnAccuracyRotations #3
_rlnEstimatedResolution #4
000001@Class2D/job005/run_it{n}_classes.mrcs     {first}     2.390000          inf
000002@Class2D/job005/run_it{n}_classes.mrcs     {second}     4.250000    37.333333

"""

SHIFTS = """
# version 30001

data_general

_rlnMicrographMovieName                    Movies/mic_001.tif
_rlnMicrographOriginalPixelSize                3.500000

# version 30001

data_global_shift

loop_
_rlnMicrographFrameNumber #1
_rlnMicrographShiftX #2
_rlnMicrographShiftY #3
           1     0.000000     0.000000
           2     -1.00000     -0.50000
           3     -2.00000     1.000000

"""


@pytest.fixture
def class2d(tmp_path: Path) -> Path:
    for number, (first, second) in {"009": (0.9, 0.1), "010": (0.25, 0.75)}.items():
        model = MODEL.format(n=number, first=first, second=second)
        (tmp_path / f"run_it{number}_model.star").write_text(model)
        with mrcfile.new(tmp_path / f"run_it{number}_classes.mrcs") as stack:
            stack.set_data(np.arange(128, dtype=np.float32).reshape(2, 8, 8))
    return tmp_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "MotionCorr/job002/Movies").mkdir(parents=True)
    (tmp_path / "MotionCorr/job002/Movies/mic_001.star").write_text(SHIFTS)
    movie = {"name": "mic_001", "drift": [[0, 0], [1, 0.5], [2, -2]]}
    known = {"microscope": {"angstrom_per_pixel": PIXEL}, "movies": [movie]}
    (tmp_path / "truth.json").write_text(json.dumps(known))
    return tmp_path


def test_the_classes_are_those_of_the_last_iteration_biggest_first(class2d: Path) -> None:
    averages, pixel = class_averages(class2d)
    assert [average.part for average in averages] == [0.75, 0.25]
    assert pixel == 7.0
    assert averages[0].image[0, 0] == 64  # the second of the stack
    assert averages[0].resolution == pytest.approx(37.333333)
    assert math.isinf(averages[1].resolution)


def test_a_track_is_the_motion_that_the_shifts_undo_in_angstrom(project: Path) -> None:
    (track,) = tracks(project, project / "MotionCorr/job002")
    assert track.measured.tolist() == [[0, 0], [3.5, 1.75], [7, -3.5]]
    assert track.true.tolist() == [[0, 0], [3.5, 1.75], [7, -7]]
    assert track.off == pytest.approx(3.5 / math.sqrt(3))


def test_both_pictures_are_drawn_without_a_display(
    class2d: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    draw_classes(*class_averages(class2d), class2d / "classes.png")
    draw_tracks(tracks(project, project / "MotionCorr/job002"), project / "tracks.png")
    for name in ("classes.png", "tracks.png"):
        assert (class2d / name).read_bytes().startswith(PNG)
