"""The gains that files need which are moved at a time: each learnt or fetched once."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.mover.source import Source
from cryoem_cloud.ports.store import Store

if TYPE_CHECKING:
    from cryoem_cloud.mover.codec import Choice, Gain, Movie
    from cryoem_cloud.mover.gain_object import Sending
    from cryoem_cloud.mover.shelf import Shelf

# NumPy is imported with the first movie.
# ruff: noqa: PLC0415

__all__ = ["Fit", "Gains"]

_MOST_IN_VAIN = 3
"""After so many files of a folder that are no counts times a gain, no other is looked at."""
_SAMPLE_BYTES = 1024 * 1024
_ALIGNED = 1024

Fit = tuple["Gain", "Choice"]
"""A gain, and what it did to a sample."""


class Gains:
    """Safe for threads. `folder`, which can be thrown away, keeps gains that were learnt here."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._shelf: Shelf | None = None
        self._stored: set[tuple[str, str]] = set()
        self._in_vain: Counter[tuple[Path, int]] = Counter()
        self._lock = threading.Lock()

    def fitting(
        self, source: Source, movie: "Movie", worth: Callable[["Choice"], bool]
    ) -> Fit | None:
        """The gain of a movie: one that is known, or is learnt from it if that is worth it.

        None: it is not worth it, or these are no counts times a gain.
        """
        sample = _Sample.of(source, movie)
        with self._lock:
            for gain in self._gains.likely(movie.pixels):
                if found := sample.fit(gain):
                    return found if worth(found[1]) else None
            return self._learnt(source, sample, worth)

    def store(self, store: Store, project: str, gain: "Gain", *, sending: "Sending") -> None:
        """See to it that the project has the gain; its bytes go while `sending` allows it."""
        from cryoem_cloud.mover.gain_object import put_gain

        key = f"{project}/{gain.name}"
        with self._lock:
            if (store.url, key) not in self._stored:
                put_gain(store, key, gain, sending)
                self._stored.add((store.url, key))

    def of(self, store: Store, project: str, name: str) -> "Gain":
        """The gain of that name, from here or from the store; verified.

        Raises:
            What fetch_gain raises.
        """
        from cryoem_cloud.mover.gain_object import fetch_gain

        with self._lock:
            gain = self._gains.taken(name)
            if gain is None:
                gain = fetch_gain(store, f"{project}/{name}", name)
                self._gains.put(gain)
            return gain

    @property
    def _gains(self) -> "Shelf":
        from cryoem_cloud.mover.shelf import Shelf

        if self._shelf is None:
            self._shelf = Shelf(self._folder)
        return self._shelf

    def _learnt(
        self, source: Source, sample: "_Sample", worth: Callable[["Choice"], bool]
    ) -> Fit | None:
        from cryoem_cloud.mover.learning import frames_of, glance, write_gain

        movie = sample.movie
        kind = source.path.parent, movie.pixels
        if self._in_vain[kind] >= _MOST_IN_VAIN:
            return None
        self._in_vain[kind] += 1
        try:
            with frames_of(source, movie) as frames:
                first = glance(frames, movie)
                if first is None:
                    return None
                if not worth(first):
                    self._in_vain[kind] -= 1
                    return None
                write = partial(write_gain, frames, movie)
                found = self._gains.learnt(write, fit=sample.fit)
        except (OSError, SourceChangedError):  # that costs the ratio, and nothing else
            return None
        if found is not None:
            self._in_vain[kind] = 0
        return found


@dataclass(frozen=True, slots=True)
class _Sample:
    """Some of a movie; `least` is the ratio that is worth a gain."""

    movie: "Movie"
    start: int
    data: bytes
    least: float

    @classmethod
    def of(cls, source: Source, movie: "Movie") -> Self:
        from cryoem_cloud.mover.codec import Way, tried
        from cryoem_cloud.mover.learning import WORTH

        start = max(0, source.stamp.size - _SAMPLE_BYTES) // 2 // _ALIGNED * _ALIGNED
        data = source.sample(start, _SAMPLE_BYTES)
        return cls(movie, start, data, WORTH * tried(data, Way("planes4")).ratio)

    def fit(self, gain: "Gain") -> Fit | None:
        """What the gain does to it, if that is worth a gain."""
        from cryoem_cloud.mover.codec import tried

        found = tried(self.data, self.movie.way(gain), start=self.start, gain=gain)
        return (gain, found) if found.ratio >= self.least else None
