"""Simulated cryo-EM movies: the same ones from the same seed.

    python -m demo.simulate FOLDER [--movies N] [--size PIXELS] [--seed N]

writes FOLDER/Movies/mic_NNN.tif (electron counts, LZW), FOLDER/gain.mrc (RELION multiplies by
it) and FOLDER/truth.json. A movie shows particles in random orientations and ice, through the
contrast transfer function of the microscope, drifting from frame to frame, with shot noise, as a
camera of uneven gain counts them.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import mrcfile
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = [
    "MICROSCOPE",
    "Microscope",
    "Movie",
    "contrast_transfer",
    "project",
    "rotation",
    "simulate",
    "wavelength",
]

Floats = NDArray[np.float64]

BOX = 96
"""Side of the square that a particle is drawn into, in pixels."""
EDGE = 56
"""No particle's centre is nearer to a micrograph's edge, in pixels."""
APART = 76
"""No two particles' centres are nearer to each other, in pixels."""
BLOB = 10.5
"""Standard deviation of each Gaussian of the particle, in Å."""
PARTICLE_CONTRAST = 0.8
"""Of the thickest part of a particle, before the contrast transfer, as a part of the dose."""
ICE_CONTRAST = 0.3
"""Of ice from pixel to pixel, before the contrast transfer: a standard deviation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Microscope:
    """Its optics, and how it takes a movie; the dose is that of one frame."""

    voltage_kv: float = 300.0
    spherical_aberration_mm: float = 2.7
    amplitude_contrast: float = 0.1
    angstrom_per_pixel: float = 3.5
    electrons_per_square_angstrom: float = 1.5
    frames: int = 8


MICROSCOPE = Microscope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """The truth about a movie.

    Defocus in Å, underfocus positive, its angle in degrees. `drift` is how far each frame has
    moved, (x, y) in pixels. `particles` are x, y in pixels and rot, tilt, psi in degrees.
    """

    name: str
    defocus_u: float
    defocus_v: float
    defocus_angle: float
    drift: list[list[float]]
    particles: list[list[float]]


def wavelength(voltage_kv: float) -> float:
    """The electrons' wavelength in Å.

    h / sqrt(2 m e V (1 + e V / 2 m c²)): Reimer and Kohl, Transmission Electron Microscopy
    (2008), eq. 2.5, with the constants put in.
    """
    volts = voltage_kv * 1e3
    return float(12.26426 / np.sqrt(volts * (1 + 0.9784754e-6 * volts)))


def contrast_transfer(movie: Movie, microscope: Microscope, size: int) -> Floats:
    """The contrast transfer function at the frequencies of `np.fft.fft2`; size by size.

    Rohou and Grigorieff, J Struct Biol 192 (2015), eq. 1 to 3. Protein is dark: negative at low
    frequencies.
    """
    frequency = np.fft.fftfreq(size, microscope.angstrom_per_pixel)
    x, y = np.meshgrid(frequency, frequency)
    square = x**2 + y**2
    turned = 2 * (np.arctan2(y, x) - np.deg2rad(movie.defocus_angle))
    mean, half = movie.defocus_u + movie.defocus_v, movie.defocus_u - movie.defocus_v
    defocus = (mean + half * np.cos(turned)) / 2
    length = wavelength(microscope.voltage_kv)
    aberration = microscope.spherical_aberration_mm * 1e7  # Å
    phase = np.pi * length * square * (defocus - length**2 * square * aberration / 2)
    shift: Floats = -np.sin(phase + np.arcsin(microscope.amplitude_contrast))
    return shift


def rotation(rot: float, tilt: float, psi: float) -> Floats:
    """The matrix of three Euler angles in degrees, about z, y and z; 3 by 3.

    The convention of Heymann, Chagoyen and Belnap, J Struct Biol 151 (2005).
    """

    def about_z(degrees: float) -> Floats:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])

    c, s = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    about_y = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    turn: Floats = about_z(psi) @ about_y @ about_z(rot)
    return turn


def particle() -> Floats:
    """The particle: the centres of its Gaussians, in Å; n by 3.

    Four stacked rings of seven, a lid on one end, and one arm, so that no two directions look the
    same.
    """

    def ring(count: int, radius: float, height: float, start: float = 0) -> Floats:
        angle = np.deg2rad(start) + 2 * np.pi * np.arange(count) / count
        return np.stack(
            [radius * np.cos(angle), radius * np.sin(angle), np.full(count, height)], axis=1
        )

    step = np.linspace(0, 1, 4)[:, None]
    arm = np.array([74.0, 0, 62]) + step * np.array([36.0, 12, 42])
    rings = [ring(7, 50, -54), ring(7, 54, -18, 10), ring(7, 54, 18, 20), ring(7, 50, 54, 30)]
    return np.concatenate([*rings, ring(3, 20, 88, 15), arm])


def project(centres: Floats, turn: Floats, microscope: Microscope) -> Floats:
    """The particle's projection along z after the turn, its thickest part 1; BOX by BOX.

    A sum of Gaussians projects to a sum of Gaussians, so this is exact.
    """
    x, y, _ = turn @ centres.T / microscope.angstrom_per_pixel
    pixel = np.arange(BOX)[:, None] - BOX // 2
    width = BLOB / microscope.angstrom_per_pixel
    columns = np.exp(-((pixel - x) ** 2) / (2 * width**2))
    rows = np.exp(-((pixel - y) ** 2) / (2 * width**2))
    image: Floats = rows @ columns.T
    return image / THICKEST


THICKEST = 3.0
"""About the highest value of the sum, over all directions."""


def scatter(rng: np.random.Generator, size: int) -> list[list[float]]:
    """Particles in places where they do not overlap; most lie on an end or on a side, as on ice.

    Each is x, y in pixels and rot, tilt, psi in degrees.
    """
    placed: list[list[float]] = []
    for _ in range(40 * (size // APART) ** 2):
        x, y = rng.integers(EDGE, size - EDGE, 2)
        if all(np.hypot(x - there[0], y - there[1]) > APART for there in placed):
            lies = float(rng.choice([0.0, 90.0, 180.0, -1.0], p=[0.25, 0.4, 0.1, 0.25]))
            anyhow = float(np.rad2deg(np.arccos(rng.uniform(-1, 1))))
            tilt = anyhow if lies < 0 else lies + rng.normal(0, 8)
            rot, psi = rng.uniform(0, 360, 2)
            placed.append([int(x), int(y), float(rot), float(tilt), float(psi)])
    return placed


def drifting(rng: np.random.Generator, frames: int) -> list[list[float]]:
    """How far each frame has moved from the first, in pixels: fast at first, then slower.

    Li et al., Nat Methods 10 (2013), fig. 3, show real tracks.
    """
    direction = rng.uniform(0, 2 * np.pi)
    speed = np.exp(-np.arange(frames) / 2.5)[:, None]
    steps = speed * 1.4 * np.array([np.cos(direction), np.sin(direction)])
    steps = steps + rng.normal(0, 0.25, (frames, 2))
    track = np.cumsum(steps, axis=0)
    moved: list[list[float]] = (track - track[0]).round(4).tolist()
    return moved


def truth(name: str, rng: np.random.Generator, microscope: Microscope, size: int) -> Movie:
    """What a movie is to show."""
    defocus = rng.uniform(9_000, 16_000)
    return Movie(
        name=name,
        defocus_u=defocus + rng.uniform(50, 200),
        defocus_v=defocus,
        defocus_angle=rng.uniform(0, 180),
        drift=drifting(rng, microscope.frames),
        particles=scatter(rng, size),
    )


def wave(movie: Movie, rng: np.random.Generator, microscope: Microscope, size: int) -> Floats:
    """What stands in the electrons' way: particles and ice; size by size."""
    centres = particle()
    specimen = rng.normal(0, ICE_CONTRAST, (size, size))
    half = BOX // 2
    for x, y, *angles in movie.particles:
        at = (slice(int(y) - half, int(y) + half), slice(int(x) - half, int(x) + half))
        specimen[at] += PARTICLE_CONTRAST * project(centres, rotation(*angles), microscope)
    return specimen


def counted(
    movie: Movie, rng: np.random.Generator, gain: Floats, microscope: Microscope
) -> NDArray[np.uint8]:
    """The electrons that the camera counts; frames by size by size."""
    size = len(gain)
    specimen = wave(movie, rng, microscope, size)
    seen = np.fft.fft2(specimen) * contrast_transfer(movie, microscope, size)
    dose = microscope.electrons_per_square_angstrom * microscope.angstrom_per_pixel**2
    frequency = np.fft.fftfreq(size)
    frames = np.empty((microscope.frames, size, size), np.uint8)
    for number, (x, y) in enumerate(movie.drift):
        moved = np.exp(-2j * np.pi * (frequency[:, None] * y + frequency * x))
        contrast = np.fft.ifft2(seen * moved).real
        electrons = rng.poisson(dose * np.maximum(1 + contrast, 0.05) / gain)
        frames[number] = np.minimum(electrons, 255)
    return frames


def simulate(
    folder: Path, *, movies: int = 10, size: int = 768, seed: int = 1, first: int = 1
) -> tuple[Movie, ...]:
    """Write movies of size by size pixels, numbered from `first`, and what is true of them.

    Each movie depends on the seed and its number alone.
    """
    (folder / "Movies").mkdir(parents=True, exist_ok=True)
    gain = np.random.default_rng(seed).normal(1, 0.03, (size, size)).clip(0.85, 1.15)
    with mrcfile.new(folder / "gain.mrc", overwrite=True) as written:
        written.set_data(gain.astype(np.float32))
        written.voxel_size = MICROSCOPE.angstrom_per_pixel
    made = []
    for number in range(first, first + movies):
        rng = np.random.default_rng([seed, number])
        movie = truth(f"mic_{number:03d}", rng, MICROSCOPE, size)
        frames = counted(movie, rng, gain, MICROSCOPE)
        # RELION reads TIFF files from the bottom up.
        page, *others = (Image.fromarray(frame[::-1]) for frame in frames)
        file = folder / "Movies" / f"{movie.name}.tif"
        page.save(file, compression="tiff_lzw", save_all=True, append_images=others)
        made.append(movie)
    known = {"seed": seed, "microscope": asdict(MICROSCOPE), "movies": [asdict(m) for m in made]}
    (folder / "truth.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return tuple(made)


def main() -> None:
    """Simulate what the command line asks for."""
    parser = argparse.ArgumentParser(description="Simulate cryo-EM movies.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--movies", type=int, default=10)
    parser.add_argument("--size", type=int, default=768, help="pixels")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    simulate(given.folder, movies=given.movies, size=given.size, seed=given.seed)


if __name__ == "__main__":
    main()
