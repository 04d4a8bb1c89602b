"""What lines to stores have taken of late: a small file that can be thrown away."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.line import Speed, Speeds
from cryoem_cloud.model.record import JSON, decode, encode, instant, mapping
from cryoem_cloud.mover.beside import part_of

__all__ = ["Lines"]

_KIND = "lines"
_MOST = 100
"""Stores that are remembered."""
_FASTEST = 1e15
"""Bytes a second; no line has so many."""


class Lines:
    """By a store's host: the bucket, or the server. A folder of this computer has no line.

    Without a file nothing is kept. Of two programs that take note at the same instant one is
    forgotten; nothing is lost by that.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def of(self, url: str) -> Speeds:
        """To a store of that URL; what is damaged, or of a newer version, counts for nothing."""
        host = _host(url)
        return self._read().get(host, Speeds()) if host else Speeds()

    def note(self, url: str, now: datetime, *, up: float | None, down: float | None) -> None:
        """Take note of bytes a second, each way; None: nothing new. A full disk keeps none."""
        host, now = _host(url), now.replace(microsecond=0)
        if self._file is None or not host or (up is None and down is None):
            return
        known = self._read()
        speeds = known.pop(host, Speeds())
        if up is not None:
            speeds = replace(speeds, up=Speed(max(1, round(up)), now))
        if down is not None:
            speeds = replace(speeds, down=Speed(max(1, round(down)), now))
        hosts = {host: speeds, **known}
        told = {name: _said(hosts[name]) for name in list(hosts)[:_MOST]}
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            beside = part_of(self._file)
            beside.write_bytes(encode(_KIND, {"hosts": told}))
            beside.replace(self._file)

    def _read(self) -> dict[str, Speeds]:
        if self._file is None:
            return {}
        try:
            hosts = mapping(decode(_KIND, self._file.read_bytes()), "hosts")
            return {name: _speeds(mapping(hosts, name)) for name in hosts}
        except (OSError, FormatError):
            return {}


def _host(url: str) -> str:
    """What the speed of a line depends on; "" of a folder."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _said(speeds: Speeds) -> dict[str, JSON]:
    return {
        way: {"bytes_per_s": speed.bytes_per_s, "at": f"{speed.at:%Y-%m-%dT%H:%M:%SZ}"}
        for way, speed in (("up", speeds.up), ("down", speeds.down))
        if speed is not None
    }


def _speeds(told: Mapping[str, JSON]) -> Speeds:
    return Speeds(up=_speed(told, "up"), down=_speed(told, "down"))


def _speed(told: Mapping[str, JSON], way: str) -> Speed | None:
    if way not in told:
        return None
    fields = mapping(told, way)
    rate = fields.get("bytes_per_s")
    if not isinstance(rate, int | float) or not 1 <= rate <= _FASTEST:
        raise FormatError("a line's speed should be 1 or more bytes a second")
    return Speed(rate, instant(fields, "at"))
