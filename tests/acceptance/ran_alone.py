"""Projects in which the jobs that can be cut ran, each on its own: what pieces must give, too.

Debian's RELION 3.1.3, and RELION 5.0.1 where RELION_BIN names the folder of its programs.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from .relion_direct import Direct, make_direct, programs
from .relion_steps import STEPS

__all__ = ["LEAVES", "MOVIES", "made_alone", "once"]

MOVIES = 7
"""And as many items, in each job that can be cut."""

_STEPS = (
    "Import movies",
    "Import map",
    "MotionCorr",
    "CtfFind",
    "AutoPick LoG",
    "Class2D",
    "AutoPick references",
    "Extract",
    "Refine3D",
    "MaskCreate",
    "PostProcess",
    "CtfRefine",
    "Polish",
    "Extract again",
    "Extract helix",
)

LEAVES: Mapping[str, str] = {
    "MotionCorr": "*_shifts.eps",
    "CtfFind": "*_ctffind4.log",
    "Extract": "*_extract.star",
    "Extract again": "*_extract.star",
    "Extract helix": "*_extract.star",
    "AutoPick LoG": "*_autopick.star",
    "AutoPick references": "*_autopick.star",
    "CtfRefine": "*_defocus_fit.star",
    "Polish": "*_tracks.star",
}
"""The jobs that can be cut, and a file that each leaves of an item."""


def made_alone(top: Path, version: str, *, movies: int = MOVIES, last: str = "") -> Direct:
    """A project of so many movies in which the jobs ran; up to the last one, where it is named."""
    direct = make_direct(top, version, movies=movies)
    for step in STEPS[version]:
        if step.label in _STEPS and last not in direct.ran:
            direct.run(step)
    return direct


def once(make: Callable[[str], Direct]) -> Callable[[str], Direct]:
    """The project of a version, which takes a minute to make: once, also where that fails."""
    made: dict[str, Direct] = {}
    failed: set[str] = set()

    def project_of(version: str) -> Direct:
        programs(version)
        if version in failed:
            pytest.fail(f"the jobs of {version} could not be run alone: see the first failure")
        if version not in made:
            failed.add(version)
            made[version] = make(version)
            failed.remove(version)
        return made[version]

    return project_of
