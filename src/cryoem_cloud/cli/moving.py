"""What the commands that move files have in common: options, and what they say in the end."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import click

from cryoem_cloud.cli.showing import as_json
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.units import counted, human_duration, human_size, human_usd
from cryoem_cloud.mover.bundle import BUNDLE_BYTES, BUNDLED_BYTES
from cryoem_cloud.ports.store import Properties

__all__ = ["Moved", "Plan", "Tally", "encoding_option", "json_option", "rate_option", "requests_of"]

_F = TypeVar("_F", bound=Callable[..., object])

_GB = 10**9
_PART_BYTES = 16 * 1024 * 1024
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


class _Rate(click.ParamType):
    """Bytes a second: `50M`."""

    name = "rate"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value)
        number = text.rstrip("kMG")
        try:
            rate = int(float(number) * _UNITS[text[len(number) :]])
        except (ValueError, KeyError, OverflowError):
            self.fail(f"{text!r} is no rate; 50M are 50 million bytes a second", param, ctx)
        if rate <= 0 and text != "0":
            self.fail(f"{text!r} is not above 0", param, ctx)
        return rate


def encoding_option(command: _F) -> _F:
    """--codec: how bytes are stored."""
    names = [encoding.value for encoding in Encoding]
    return click.option(
        "--codec",
        "encoding",
        type=click.Choice(names),
        default=Encoding.AUTO.value,
        show_default=True,
        help="How bytes are stored: plain is as they are, or .zst; none is as they are.",
    )(command)


def rate_option(command: _F) -> _F:
    """--limit-rate: bytes a second on the wire."""
    return click.option(
        "--limit-rate",
        type=_Rate(),
        default="0",
        metavar="RATE",
        help="Bytes a second, as 500k, 50M or 1G; default: as fast as it goes.",
    )(command)


def json_option(command: _F) -> _F:
    """--json."""
    return click.option("--json", "json_", is_flag=True, help="For programs.")(command)


def requests_of(sizes: Iterable[int]) -> int:
    """About how many requests files of these sizes in bytes take, that are not encoded."""
    sizes = list(sizes)
    small = [size for size in sizes if size <= BUNDLED_BYTES]
    large = (size for size in sizes if size > BUNDLED_BYTES)
    parts = sum(1 if size <= _PART_BYTES else 3 + -(-size // _PART_BYTES) for size in large)
    return parts + -(-sum(small) // BUNDLE_BYTES) + (2 if sizes else 0)


@dataclass
class Tally:
    """Counts what is moved: raw bytes of files, and those on the wire."""

    raw: int = 0
    wire: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def counting(self, moved: Callable[[int], None]) -> Callable[[int], None]:
        """What is to be told of raw bytes, and passes that on."""

        def count(size: int) -> None:
            with self._lock:
                self.raw += size
            moved(size)

        return count

    def wired(self, size: int) -> None:
        """So many bytes went over the wire."""
        with self._lock:
            self.wire += size


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be moved: at most so much, as what the store has under another name is not."""

    files: int
    size: int
    fresh: int
    fresh_size: int
    requests: int

    def say(self, properties: Properties, *, json_: bool) -> None:
        """To people on stderr, to programs on stdout, with what it costs at list prices."""
        if json_:
            click.echo(as_json(self._json(properties)))
        else:
            click.echo(self._told(properties), err=True)

    def _told(self, properties: Properties) -> str:
        words = (
            f"{counted(self.files, 'file')}, {human_size(self.size)}; at most "
            f"{counted(self.fresh, 'file')}, {human_size(self.fresh_size)} would be sent, in about "
            f"{counted(self.requests, 'request')}"
        )
        once, monthly = self.usd(properties)
        if once or monthly:
            words += f": {human_usd(once)} once, {human_usd(monthly)} a month in the store"
        return words

    def usd(self, properties: Properties) -> tuple[Decimal, Decimal]:
        """What sending costs once, and what keeping costs in a month, raw."""
        once = properties.write_usd_per_1000 * self.requests / 1000
        return once, properties.storage_usd_per_gb * self.fresh_size / _GB

    def _json(self, properties: Properties) -> dict[str, JSON]:
        once, monthly = self.usd(properties)
        return {
            "files": self.files,
            "bytes": self.size,
            "fresh_files": self.fresh,
            "fresh_bytes": self.fresh_size,
            "requests": self.requests,
            "usd_once": f"{once:f}",
            "usd_a_month": f"{monthly:f}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a command has moved: `sent` bytes of files went as `wire` bytes, in `seconds`."""

    files: int
    size: int
    sent: int
    wire: int
    seconds: float
    left_out: Mapping[str, str] = field(default_factory=dict)

    def say(self, verb: str, *, json_: bool) -> None:
        """To people on stderr, to programs on stdout."""
        if json_:
            click.echo(as_json(self._json()))
            return
        for path, what in sorted(self.left_out.items()):
            click.echo(f"cryoem: {path} is left out: {what}", err=True)
        click.echo(
            f"{counted(self.files, 'file')}, {human_size(self.size)}; "
            f"{human_size(self.sent)} {verb}{self._how()}",
            err=True,
        )

    def _how(self) -> str:
        if not self.sent:
            return ""
        took = human_duration(timedelta(seconds=self.seconds))
        rate = f"{human_size(round(self.sent / max(self.seconds, 0.001)))}/s"
        small = self.wire < 0.98 * self.sent
        return f"{f' as {human_size(self.wire)}' if small else ''} in {took} ({rate})"

    def _json(self) -> dict[str, JSON]:
        return {
            "files": self.files,
            "bytes": self.size,
            "moved_bytes": self.sent,
            "wire_bytes": self.wire,
            "seconds": round(self.seconds, 3),
            "left_out": dict(self.left_out),
        }
