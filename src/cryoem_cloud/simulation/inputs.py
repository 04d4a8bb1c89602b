"""What the simulation of a pipeline begins with: one dated file, with the source of each figure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Self

from cryoem_cloud.model.errors import FormatError, UsageError
from cryoem_cloud.model.record import JSON, integer, items, text
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.work import Program

__all__ = ["Inputs", "Movies", "StepInputs", "inputs_of"]

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Movies:
    """So many, each of so many bytes, frames, and pixels a frame."""

    count: int
    bytes: int
    pixels: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInputs:
    """A step: what it takes on one K80 die, or on one core, in hours.

    None of both: by the program's own rate. `items` is into how many its work can be cut (1: not
    at all), `iterations` how many checkpoints it makes; machines read `input_bytes` from the store.
    """

    name: str
    program: Program
    k80_h: Spread | None
    core_h: Spread | None
    items: int
    iterations: int
    input_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that is assumed of a pipeline beside the catalogue and the programs' rates.

    Rates are in bytes a second, `losses_h` is how often an hour a Spot machine is taken away,
    `spot` what Spot costs over its price in the catalogue.
    """

    day: str
    movies: Movies
    link_bytes_per_s: Spread
    ratio: Spread
    encoded_bytes_per_s: Spread
    boot_s: Spread
    losses_h: Spread
    spot: Spread
    turnaround_s: Spread
    essential_bytes: Spread
    requests_a_task: Spread
    steps: Sequence[StepInputs]

    @property
    def bytes(self) -> int:
        """Of all movies."""
        return self.movies.count * self.movies.bytes

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> Self:
        """From such a file.

        Raises:
            FormatError: It is none, or of a version that we do not know.
        """
        if fields.get("v") != _VERSION:
            raise FormatError(f"inputs of a simulation of version {fields.get('v')!r}")
        movies = fields["movies"]
        names = ("link_bytes_per_s", "ratio", "encoded_bytes_per_s", "boot_s", "losses_h", "spot")
        more = ("turnaround_s", "essential_bytes", "requests_a_task")
        return cls(
            day=text(fields, "day"),
            movies=Movies(
                count=integer(movies, "count"),
                bytes=integer(movies, "bytes"),
                pixels=integer(movies, "pixels"),
                frames=integer(movies, "frames"),
            ),
            steps=tuple(_step(row, movies) for row in items(fields, "steps")),
            **{name: Spread.from_json(fields[name]) for name in (*names, *more)},
        )


def inputs_of(pipeline: str) -> Inputs:
    """Those in the package for a pipeline.

    Raises:
        UsageError: There are none.
    """
    file = resources.files("cryoem_cloud.simulation") / f"inputs-{pipeline}.json"
    if not file.is_file():
        raise UsageError(f"nothing is known of how pipeline {pipeline} would run today")
    return Inputs.from_json(json.loads(file.read_text(encoding="utf-8")))


def _step(row: Mapping[str, JSON], movies: Mapping[str, JSON]) -> StepInputs:
    cut = text(row, "cut", "")
    return StepInputs(
        name=text(row, "name"),
        program=Program(text(row, "program")),
        k80_h=_range(row, "k80_h"),
        core_h=_range(row, "core_h"),
        items=integer(movies, "count") if cut else 1,
        iterations=integer(row, "iterations", 1),
        input_bytes=integer(row, "input_bytes"),
    )


def _range(row: Mapping[str, JSON], name: str) -> Spread | None:
    return Spread.from_json(row[name]) if name in row else None
