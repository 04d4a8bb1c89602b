"""The simulated movies: physics, and the same ones from the same seed."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from demo.simulate import (
    APART,
    EDGE,
    MICROSCOPE,
    Movie,
    contrast_transfer,
    particle,
    project,
    rotation,
    simulate,
    wavelength,
)

SIZE = 256
ANGLES = st.floats(min_value=-360, max_value=360)


def movie(defocus: float) -> Movie:
    return Movie(
        name="m",
        defocus_u=defocus,
        defocus_v=defocus,
        defocus_angle=0,
        drift=[[0.0, 0.0]],
        particles=[],
    )


def frames(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(file) as image:
        return np.array([np.array(page) for page in ImageSequence.Iterator(image)])


@pytest.mark.parametrize(("kv", "angstrom"), [(100, 0.037014), (200, 0.025079), (300, 0.019687)])
def test_the_wavelength_is_that_of_the_textbooks(kv: float, angstrom: float) -> None:
    assert wavelength(kv) == pytest.approx(angstrom, rel=1e-4)


def test_slow_frequencies_pass_by_amplitude_contrast_alone() -> None:
    transfer = contrast_transfer(movie(12_000), MICROSCOPE, SIZE)
    assert transfer[0, 0] == pytest.approx(-MICROSCOPE.amplitude_contrast)


def test_the_first_zero_lies_where_the_defocus_puts_it() -> None:
    defocus = 12_000
    transfer = contrast_transfer(movie(defocus), MICROSCOPE, 1024)[0, :512]
    found = np.flatnonzero(np.diff(np.sign(transfer)))[0] / (1024 * MICROSCOPE.angstrom_per_pixel)
    phase = np.pi - np.arcsin(MICROSCOPE.amplitude_contrast)
    expected = np.sqrt(phase / (np.pi * wavelength(300) * defocus))  # aberration is small here
    assert found == pytest.approx(expected, rel=0.02)


@given(rot=ANGLES, tilt=ANGLES, psi=ANGLES)
def test_rotations_keep_lengths_and_hands(rot: float, tilt: float, psi: float) -> None:
    turn = rotation(rot, tilt, psi)
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)


def test_psi_turns_the_picture_and_nothing_else() -> None:
    straight = project(particle(), rotation(20, 70, 0), MICROSCOPE)
    turned = project(particle(), rotation(20, 70, 90), MICROSCOPE)
    assert np.allclose(turned[1:, 1:], straight[1:, 1:].T[::-1])


def test_no_two_opposite_views_are_alike() -> None:
    views = [
        project(particle(), rotation(0, tilt, 0), MICROSCOPE) for tilt in (0, 45, 90, 135, 180)
    ]
    for number, one in enumerate(views):
        for other in views[number + 1 :]:
            assert np.abs(one - other).max() > 0.1


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_made(tmp_path: Path) -> None:
    simulate(tmp_path / "both", movies=2, size=SIZE, seed=5)
    simulate(tmp_path / "second", movies=1, size=SIZE, seed=5, first=2)
    simulate(tmp_path / "other", movies=1, size=SIZE, seed=6, first=2)
    name = "Movies/mic_002.tif"
    both, second, other = (
        (tmp_path / top / name).read_bytes() for top in ("both", "second", "other")
    )
    assert both == second
    assert both != other


def test_the_camera_counts_the_dose_and_the_gain_reference_evens_it(tmp_path: Path) -> None:
    simulate(tmp_path, movies=1, size=SIZE)
    counts = frames(tmp_path / "Movies" / "mic_001.tif")[:, ::-1]
    with mrcfile.open(tmp_path / "gain.mrc") as file:
        gain = np.asarray(file.data)
    dose = MICROSCOPE.electrons_per_square_angstrom * MICROSCOPE.angstrom_per_pixel**2
    assert len(counts) == MICROSCOPE.frames
    assert (counts * gain).mean() == pytest.approx(dose, rel=0.02)
    together = counts.sum(axis=0)
    assert np.corrcoef(together.ravel(), (1 / gain).ravel())[0, 1] > 0.1
    assert abs(np.corrcoef((together * gain).ravel(), gain.ravel())[0, 1]) < 0.05


def test_particles_lie_apart_and_inside(tmp_path: Path) -> None:
    (made,) = simulate(tmp_path, movies=1, size=512)
    places = np.array([particle[:2] for particle in made.particles])
    assert len(places) > 5
    assert places.min() >= EDGE
    assert places.max() < 512 - EDGE
    distances = np.hypot(*(places[:, None] - places).transpose(2, 0, 1))
    assert distances[distances > 0].min() > APART
