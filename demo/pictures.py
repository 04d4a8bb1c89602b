"""Pictures of what the demo's jobs made: the 2D classes, and how the movies drifted."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cryoem_cloud.apps.star import rows

__all__ = ["ClassAverage", "Track", "class_averages", "draw_classes", "draw_tracks", "tracks"]

Floats = NDArray[np.float64]

_MOTION = "tab:red"
_TRUTH = "0.75"
_BAR_ANGSTROM = 100


@dataclass(frozen=True, slots=True)
class ClassAverage:
    """One 2D class: its image, the part of all particles that are in it, its resolution in Å."""

    image: Floats
    part: float
    resolution: float


@dataclass(frozen=True, slots=True)
class Track:
    """How far each frame of a movie has moved from its first: (x, y) in Å; frames by 2."""

    name: str
    measured: Floats
    true: Floats

    @property
    def off(self) -> float:
        """Root mean square distance between what was measured and what is true, in Å."""
        return float(np.sqrt(((self.measured - self.true) ** 2).sum(axis=1).mean()))


def class_averages(folder: Path) -> tuple[tuple[ClassAverage, ...], float]:
    """The last iteration of a Class2D job, biggest class first, and the pixel size in Å."""
    model = max(folder.glob("run_it*_model.star"))
    labels = {"rlnClassDistribution", "rlnEstimatedResolution"}
    table = [row.values for row in rows(model, labels.__contains__, table="model_classes")]
    general = rows(model, {"rlnPixelSize"}.__contains__, table="model_general")
    pixel = float(next(general).values["rlnPixelSize"])
    with mrcfile.open(model.with_name(model.name.replace("model.star", "classes.mrcs"))) as stack:
        images = np.asarray(stack.data, dtype=np.float64)
    classes = [
        ClassAverage(
            image, float(row["rlnClassDistribution"]), float(row["rlnEstimatedResolution"])
        )
        for image, row in zip(images, table, strict=True)
    ]
    return tuple(sorted(classes, key=lambda average: -average.part)), pixel


def tracks(project: Path, folder: Path) -> tuple[Track, ...]:
    """What a MotionCorr job measured of each movie, and what the simulation did.

    MotionCorr gives the shifts that undo the motion, in pixels; a track is the motion.
    """
    known = json.loads((project / "truth.json").read_text(encoding="utf-8"))
    pixel = known["microscope"]["angstrom_per_pixel"]
    labels = ("rlnMicrographShiftX", "rlnMicrographShiftY")
    found = []
    for movie in known["movies"]:
        star = folder / "Movies" / f"{movie['name']}.star"
        table = rows(star, labels.__contains__, table="global_shift")
        shifts = np.array([[float(row.values[label]) for label in labels] for row in table])
        found.append(Track(movie["name"], -shifts * pixel, np.array(movie["drift"]) * pixel))
    return tuple(found)


def draw_classes(averages: tuple[ClassAverage, ...], pixel: float, png: Path) -> None:
    """Draw the classes, biggest first, each in its own range of grey, with a scale bar."""
    across = min(4, len(averages))
    down = math.ceil(len(averages) / across)
    figure = _figure(2.1 * across, 2.45 * down + 0.5)
    figure.suptitle("2D classes", fontsize=13)
    for axes, average in zip(_panels(figure, down, across), averages, strict=False):
        low, high = np.percentile(average.image, [1, 99.8])
        axes.imshow(average.image, cmap="gray", origin="lower", vmin=low, vmax=high)
        axes.set_title(f"{average.part:.0%} of particles", fontsize=9)
        axes.set_axis_on()
        axes.set_xticks([])
        axes.set_yticks([])
        if math.isfinite(average.resolution):
            axes.set_xlabel(f"{average.resolution:.0f} Å", fontsize=8)
    _scale_bar(figure.axes[0], pixel)
    _save(figure, png)


def draw_tracks(found: tuple[Track, ...], png: Path) -> None:
    """Draw each movie's motion over the truth, all to one scale."""
    across = min(5, len(found))
    down = math.ceil(len(found) / across)
    figure = _figure(2.0 * across, 2.25 * down + 0.9)
    windows = [_window(track) for track in found]
    half = max(float(reach) for _, reach in windows) * 1.15
    panels = _panels(figure, down, across)
    for axes, track, ((x, y), _) in zip(panels, found, windows, strict=False):
        axes.set_axis_on()
        axes.plot(*track.true.T, "-", color=_TRUTH, linewidth=5, label="simulated")
        axes.plot(*track.measured.T, ".-", color=_MOTION, linewidth=1, label="MotionCorr")
        axes.plot(0, 0, "o", color="black", markersize=5, label="first frame")
        axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
        axes.set_title(track.name, fontsize=9)
        axes.set_xlabel(f"off by {track.off:.1f} Å", fontsize=8)
        axes.tick_params(labelsize=7)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    figure.suptitle("Motion of each movie, in Å", fontsize=13)
    _save(figure, png)


def _window(track: Track) -> tuple[Floats, float]:
    """The middle of a track, (x, y), and how far it reaches from there along an axis, in Å."""
    points = np.concatenate([track.measured, track.true])
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float((high - low).max() / 2)


def _figure(width: float, height: float) -> Figure:
    """A figure, in inches, that needs no display."""
    return Figure(figsize=(width, height), layout="constrained")


def _panels(figure: Figure, down: int, across: int) -> list[Axes]:
    """The panels of a grid, blank until they are drawn on."""
    panels = [axes for row in figure.subplots(down, across, squeeze=False) for axes in row]
    for axes in panels:
        axes.set_axis_off()
    return panels


def _scale_bar(axes: Axes, pixel: float) -> None:
    """A bar of a known length in the lower left corner."""
    length = _BAR_ANGSTROM / pixel
    axes.plot([2, 2 + length], [2.5, 2.5], color="white", linewidth=2.5, solid_capstyle="butt")
    axes.text(2 + length / 2, 3.5, f"{_BAR_ANGSTROM} Å", color="white", fontsize=8, ha="center")


def _save(figure: Figure, png: Path) -> None:
    figure.savefig(png, dpi=110, metadata={"Software": None})
