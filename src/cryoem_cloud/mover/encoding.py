"""Whether and how files are encoded: by a sample of each kind, and by what was measured since."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import BLOCK_BYTES, Codec
from cryoem_cloud.mover.gains import Gains
from cryoem_cloud.mover.source import Source

if TYPE_CHECKING:
    from cryoem_cloud.mover.codec import Choice, Gain, Way

__all__ = ["Kinds", "Use", "codecs_of", "encoded_by", "is_worth_it"]

_LEAST_RATIO = 1.05
_UNSEEN_RATIO = 1.5
"""What makes encoding worth it while nothing is known of the link."""
_GAIN = 1.1
"""What encoding must gain over sending raw bytes."""
_READ_S, _SENT_S = 0.45e-9, 0.5e-9
"""A core's seconds for a byte that is read and digested, and for one that is sent, as measured here
(docs/evidence/transfer.md); other computers' differ by a factor of 2 or so."""
_SAMPLE_BYTES = 1024 * 1024
_HEAD_BYTES = 4096
_ALIGNED = 1024
"""Samples begin at multiples of this, as the values of an MRC file do."""
_TRUSTED_BYTES = 64 * 1024 * 1024
"""After so much of a kind was encoded, that is what is known of it, and no longer the sample."""


@dataclass(frozen=True, slots=True)
class Use:
    """How one file is encoded. `ratio` is what is expected: raw bytes by stored bytes.

    Who reads it needs the `gain`, if there is one.
    """

    way: "Way"
    ratio: float
    plain: bool
    kind: str
    gain: "Gain | None" = None

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """As its entry says it."""
        return codecs_of(plain=self.plain, gain=self.gain.name if self.gain else "")


def codecs_of(*, plain: bool, gain: str = "") -> tuple[Codec, ...]:
    """What an entry of an encoded file says of it: also the key of a gain, if it needs one."""
    if plain:
        return (Codec("zstd", {}),)
    return (Codec("blocks", {"version": 2, "gain": gain} if gain else {"version": 1}),)


def encoded_by(use: Use, view: memoryview, start: int) -> tuple[list[bytes], float]:
    """A block that begins at `start` as it is stored, and for how many seconds it kept a core."""
    from cryoem_cloud.mover.codec import encoded  # noqa: PLC0415  (NumPy, where it is needed)

    began_s = time.thread_time()
    made = encoded(view, use.way, plain=use.plain, start=start, gain=use.gain)
    return made, time.thread_time() - began_s


def is_worth_it(ratio: float, speed: float, *, cores: int, link: float | None) -> bool:
    """Whether encoding is faster than sending raw bytes by what makes up for its uncertainty.

    `speed` is of one core, `link` what the link takes, both in bytes per second; None: not known.
    Cores also read, digest and send.
    """
    if ratio < _LEAST_RATIO:
        return False
    if link is None:
        return ratio >= _UNSEEN_RATIO
    raw = min(link, cores / (_READ_S + _SENT_S))
    return min(link * ratio, cores / (_READ_S + 1 / speed + _SENT_S / ratio)) > _GAIN * raw


@dataclass(slots=True)
class _Kind:
    """What is known of files of one kind: the sample's choice, and sums of what was encoded."""

    choice: "Choice"
    gain: "Gain | None" = None
    raw: int = 0
    stored: int = 0
    seconds: float = 0.0

    @property
    def is_known(self) -> bool:
        return self.raw >= _TRUSTED_BYTES and self.stored > 0 and self.seconds > 0

    @property
    def ratio(self) -> float:
        return self.raw / self.stored if self.is_known else self.choice.ratio

    @property
    def speed(self) -> float:
        return self.raw / self.seconds if self.is_known else self.choice.bytes_per_s


@dataclass(slots=True)
class Kinds:
    """The kinds of files met so far. Safe for threads."""

    encoding: Encoding
    cores: int
    gains: Gains = field(default_factory=Gains)
    _known: dict[str, _Kind] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def use(self, source: Source, *, link: float | None) -> Use | None:
        """How to encode that file; None: not at all."""
        if self.encoding is Encoding.NONE:
            return None
        name, kind = self._counted(source, link) or self._kind(source)
        if not is_worth_it(kind.ratio, kind.speed, cores=self.cores, link=link):
            return None
        return Use(kind.choice.way, kind.ratio, self._plain, name, kind.gain)

    def is_hopeful(self, source: Source) -> bool:
        """Whether something can be gained by encoding that file, as far as a short look tells."""
        from cryoem_cloud.mover import codec  # noqa: PLC0415  (zstd, only where it is needed)

        if self.encoding is Encoding.NONE:
            return False
        return codec.is_hopeful(self._sample(source))

    def measured(self, use: Use, *, raw: int, stored: int, seconds: float) -> None:
        """Take note of what encoding so many bytes gave and took."""
        with self._lock:
            kind = self._known.get(use.kind)
            if kind is not None:
                kind.raw += raw
                kind.stored += stored
                kind.seconds += seconds

    @property
    def _plain(self) -> bool:
        return self.encoding is Encoding.PLAIN

    def _counted(self, source: Source, link: float | None) -> tuple[str, _Kind] | None:
        """The kind of a movie of counts times a gain, if it is one and that is worth it."""
        from cryoem_cloud.mover import codec  # noqa: PLC0415  (NumPy, only where it is needed)

        if self._plain or source.stamp.size <= BLOCK_BYTES:
            return None
        movie = codec.movie_of(_name(source.path), source.sample(0, _HEAD_BYTES))
        if movie is None:
            return None

        def worth(choice: "Choice") -> bool:
            return is_worth_it(choice.ratio, choice.bytes_per_s, cores=self.cores, link=link)

        found = self.gains.fitting(source, movie, worth)
        if found is None:
            return None
        gain, choice = found
        name = f"{gain.name} {movie.header}"
        with self._lock:
            return name, self._known.setdefault(name, _Kind(choice, gain))

    def _kind(self, source: Source) -> tuple[str, _Kind]:
        from cryoem_cloud.mover import codec  # noqa: PLC0415  (NumPy, only where it is needed)

        name = codec.kind_of(_name(source.path), source.sample(0, _HEAD_BYTES))
        with self._lock:
            known = self._known.get(name)
        if known is None:
            sample = self._sample(source)
            known = _Kind(codec.chosen(_name(source.path), sample, plain=self._plain))
            with self._lock:
                known = self._known.setdefault(name, known)
        return name, known

    def _sample(self, source: Source) -> bytes:
        middle = max(0, source.stamp.size - _SAMPLE_BYTES) // 2 // _ALIGNED * _ALIGNED
        return source.sample(middle, _SAMPLE_BYTES)


def _name(path: Path) -> str:
    return path.name
