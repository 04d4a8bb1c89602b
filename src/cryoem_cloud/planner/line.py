"""The line that a plan counts with: as measured, as the user limits it, or as is assumed. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryoem_cloud.model.line import Speeds
from cryoem_cloud.model.plan import LINE_BYTES_S

__all__ = ["Line", "line_by"]

_BITS = 8
_MBIT, _GBIT = 1e6, 1e9
_SOME_H, _SOME_DAYS = timedelta(hours=2), timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Bytes a second each way, and where that is from, in words."""

    up_bytes_s: float
    down_bytes_s: float
    told: str


def line_by(speeds: Speeds, now: datetime, *, limit_bytes_s: float | None) -> Line:
    """What is known of the line, and no more than the limit; a way not measured is as the other."""
    limit = limit_bytes_s or float("inf")
    up, down = speeds.up or speeds.down, speeds.down or speeds.up
    if up is None or down is None:
        rate = limit_bytes_s or LINE_BYTES_S
        why = "as limit_rate says" if limit_bytes_s else "not measured yet"
        return Line(up_bytes_s=rate, down_bytes_s=rate, told=f"{_rate(rate)}, {why}")
    if limit < min(up.bytes_per_s, down.bytes_per_s):
        told = f"{_rate(limit)}, as limit_rate says"
    else:
        told = ", ".join(
            f"{_rate(min(speed.bytes_per_s, limit))} {way}, measured {_ago(now - speed.at)}"
            for way, speed in (("up", speeds.up), ("down", speeds.down))
            if speed is not None
        )
    return Line(
        up_bytes_s=min(up.bytes_per_s, limit), down_bytes_s=min(down.bytes_per_s, limit), told=told
    )


def _rate(bytes_s: float) -> str:
    bits = _BITS * bytes_s
    return f"{bits / _GBIT:.1f} Gbit/s" if bits >= _GBIT else f"{bits / _MBIT:.3g} Mbit/s"


def _ago(since: timedelta) -> str:
    if since >= _SOME_DAYS:
        return f"{since.days} days ago"
    if since >= _SOME_H:
        return f"{since // timedelta(hours=1)} h ago"
    return "just now"
