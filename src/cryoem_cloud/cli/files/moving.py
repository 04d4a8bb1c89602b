"""What the commands that move files have in common: options, and what they say in the end."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import FrameType
from typing import TypeVar

import click

from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.units import (
    counted,
    human_duration,
    human_size,
    human_usd,
    size_of,
    visible,
)

__all__ = [
    "Moved",
    "Plan",
    "Tally",
    "encoding_option",
    "json_option",
    "rate_option",
    "requests_of",
    "saying_if_interrupted",
]

_F = TypeVar("_F", bound=Callable[..., object])

_PART_BYTES = 16 * 1024 * 1024


class _Rate(click.ParamType[int]):
    """Bytes a second: `50M`; 0 for no limit."""

    name = "rate"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if value == 0:
            return 0
        try:
            return size_of(str(value))
        except ValueError:
            self.fail(f"{value!r} is no rate; 50M are 50 million bytes a second", param, ctx)


def encoding_option(command: _F) -> _F:
    """--codec: how bytes are stored."""
    return click.option(
        "--codec",
        "encoding",
        type=click.Choice([encoding.value for encoding in Encoding]),
        help="How bytes are stored: plain is as they are, or .zst; none is as they are.",
    )(command)


def rate_option(command: _F) -> _F:
    """--limit-rate: bytes a second on the wire."""
    return click.option(
        "--limit-rate",
        type=_Rate(),
        default=0,
        metavar="RATE",
        help="Bytes a second, as 500k, 50M or 1G; default: as fast as it goes.",
    )(command)


def json_option(command: _F) -> _F:
    """--json."""
    return click.option("--json", "json_", is_flag=True, help="For programs.")(command)


def requests_of(sizes: Iterable[int]) -> int:
    """About how many requests files of these sizes in bytes take, that are not encoded."""
    from cryoem_cloud.mover.bundle import BUNDLE_BYTES, BUNDLED_BYTES  # noqa: PLC0415  (for plans)

    sizes = list(sizes)
    small = [size for size in sizes if size <= BUNDLED_BYTES]
    large = (size for size in sizes if size > BUNDLED_BYTES)
    parts = sum(1 if size <= _PART_BYTES else 3 + -(-size // _PART_BYTES) for size in large)
    return parts + -(-sum(small) // BUNDLE_BYTES) + (2 if sizes else 0)


@dataclass
class Tally:
    """Counts the bytes of files that are moved."""

    raw: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def counting(self, moved: Callable[[int], None]) -> Callable[[int], None]:
        """What is to be told of raw bytes, and passes that on."""

        def count(size: int) -> None:
            with self._lock:
                self.raw += size
            moved(size)

        return count


@contextmanager
def saying_if_interrupted(verb: str, tally: Tally, size: int) -> Iterator[None]:
    """Within this, Ctrl-C is answered with how many of `size` bytes moved, and that it goes on.

    At once, as what is on its way may take long to arrive; a second one is not answered.
    """

    def said(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        done = f"{human_size(tally.raw)} of {human_size(size)}"
        click.echo(
            f"cryoem: interrupted: {done} {verb}; what is on its way arrives, and the same "
            "command goes on from there",
            err=True,
        )
        if callable(before):
            before(number, frame)

    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # a script's background, where Ctrl-C means nothing
        yield
        return
    signal.signal(signal.SIGINT, said)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be moved, at most, and what that costs at list prices (US dollars)."""

    verb: str
    files: int
    size: int
    fresh: int
    fresh_size: int
    requests: int
    usd: Decimal
    """Once."""
    usd_a_month: Decimal = Decimal(0)

    def say(self, *, json_: bool) -> None:
        """To people on stderr, to programs on stdout."""
        if json_:
            click.echo(as_json(self.to_json()))
            return
        click.echo(
            f"{counted(self.files, 'file')}, {human_size(self.size)}; at most "
            f"{counted(self.fresh, 'file')}, {human_size(self.fresh_size)} would be {self.verb}, "
            f"in about {counted(self.requests, 'request')}{self._price()}",
            err=True,
        )

    def _price(self) -> str:
        if not self.usd and not self.usd_a_month:
            return ""
        monthly = f", {human_usd(self.usd_a_month)} a month in the store" * bool(self.usd_a_month)
        return f": {human_usd(self.usd)} once{monthly}, at list prices"

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "files": self.files,
            "bytes": self.size,
            "fresh_files": self.fresh,
            "fresh_bytes": self.fresh_size,
            "requests": self.requests,
            "usd": f"{self.usd:f}",
            "usd_a_month": f"{self.usd_a_month:f}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a command has moved: `sent` bytes of files went as `wire` bytes, in `seconds`.

    `moved_files` of all files were; None where that is not counted.
    """

    verb: str
    files: int
    size: int
    sent: int
    wire: int
    seconds: float
    moved_files: int | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def say(self, *, json_: bool) -> None:
        """To people on stderr, to programs on stdout."""
        if json_:
            click.echo(as_json(self.to_json()))
            return
        for path, what in sorted(self.left_out.items()):
            click.echo(f"cryoem: {visible(path)} is left out: {what}", err=True)
        click.echo(f"{self._told()}{self._how()}", err=True)

    def _told(self) -> str:
        if self.moved_files is None:
            whole = f"{counted(self.files, 'file')}, {human_size(self.size)}"
            return f"{whole}; {human_size(self.sent)} {self.verb}"
        files = counted(self.files, "file")
        return f"{self.moved_files} of {files} {self.verb}, {human_size(self.sent)}"

    def _how(self) -> str:
        if not self.sent:
            return ""
        took = human_duration(timedelta(seconds=self.seconds))
        rate = f"{human_size(round(self.sent / max(self.seconds, 0.001)))}/s"
        small = self.wire < 0.98 * self.sent
        return f"{f' as {human_size(self.wire)}' if small else ''} in {took} ({rate})"

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "files": self.files,
            "bytes": self.size,
            "moved_bytes": self.sent,
            "wire_bytes": self.wire,
            "seconds": round(self.seconds, 3),
            "left_out": dict(self.left_out),
        }
