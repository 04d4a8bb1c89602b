"""What is measured, and what is promised of it: the cases, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.transfer.figures import OURS, Target
from benchmarks.transfer.links import GIGABIT, HUNDRED, LOOPBACK, Link

__all__ = ["CASES", "RAW", "Row"]

RAW = "ours, raw"
"""Ours without any encoding, where `cryoem push` can be told so."""
ALL = (OURS, "s5cmd", "rclone", "obstore")
RESENT_MB = 16 * 16 * 1.048576
"""As many streams as the mover has, and a part of 16 MiB of each."""
_SAID = {
    "large": "4 x 1 GB",
    "medium": "64 x 64 MB",
    "small": "5,000 x 20 KB",
    "many": "200,000 files",
    "int8": "8-bit counts",
    "u16": "16-bit counts",
    "f32": "gain-normalised floats",
    "lzw": "LZW TIFF",
    "eer": "electron events",
    "hole-1": "1 GB",
    "hole-8": "8 GB",
    "hole-64": "64 GB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison: `verb` is up, down, sync (of what is there), kill (and again), or return.

    `scale` is the set's in this row, `rounds` how many are made at most (0: as many as asked for).
    """

    name: str
    verb: str
    data: str
    link: Link = LOOPBACK
    tls: bool = False
    clients: tuple[str, ...] = ALL
    targets: tuple[Target, ...] = ()
    scale: float = 1.0
    rounds: int = 0


def _up(data: str, key: str) -> Row:
    targets = (
        Target(key=f"{key}_vs_s5cmd", against=("s5cmd",), most=0.35),
        Target(key=f"{key}_vs_rclone", against=("rclone",), most=0.25),
        Target(key=f"{key}_vs_obstore", against=("obstore",), most=1.0),
        Target(key=f"{key}_cpu_vs_s5cmd", what="cpu_s", against=("s5cmd",), most=0.30),
    )
    return Row(name=f"up, {_SAID[data]}", verb="up", data=data, targets=targets)


def _tls(data: str, key: str) -> Row:
    targets = (Target(key=f"{key}_vs_s5cmd", against=("s5cmd",), most=0.50),)
    return Row(name=f"up over TLS, {_SAID[data]}", verb="up", data=data, tls=True, targets=targets)


def _down(data: str, key: str) -> Row:
    rivals = ("s5cmd", "rclone", "obstore")
    targets = (Target(key=f"{key}_vs_best", against=rivals, most=0.95),)
    return Row(name=f"down, {_SAID[data]}", verb="down", data=data, targets=targets)


def _movies(link: Link, short: str, gains: Mapping[str, float]) -> tuple[Row, ...]:
    return tuple(
        Row(
            name=f"up, {_SAID[data]}, {link.name}",
            verb="up",
            data=data,
            link=link,
            clients=(OURS, "s5cmd"),
            targets=(Target(key=f"{short}_{data}_gain", against=("s5cmd",), least=gain),),
        )
        for data, gain in gains.items()
    )


def _never_slower(data: str, link: Link) -> Row:
    key = f"never_slower_{data}" + ("" if link is LOOPBACK else "_wan")
    targets = [Target(key=f"{key}_vs_raw", against=(RAW,), most=1.02)]
    if link is LOOPBACK:
        targets.append(Target(key=f"{key}_vs_s5cmd", against=("s5cmd",), most=0.85))
    return Row(
        name=f"never slower, {_SAID[data]}, {link.name}",
        verb="up",
        data=data,
        link=link,
        clients=(OURS, RAW, "s5cmd"),
        targets=tuple(targets),
    )


def _memory(verb: str, data: str, most: float) -> Row:
    return Row(
        name=f"memory {verb}, {_SAID[data]}",
        verb=verb,
        data=data,
        clients=(OURS,),
        targets=(Target(key=f"memory_{verb}_{data}_mb", what="rss_mb", most=most),),
        rounds=1,
    )


def _noop(data: str, link: Link, key: str, most: float) -> Row:
    return Row(
        name=f"nothing to do, {_SAID[data]}, {link.name}",
        verb="sync",
        data=data,
        link=link,
        targets=(Target(key=f"{key}_vs_s5cmd", against=("s5cmd",), most=most),),
    )


_FLAT = Target(
    key="noop_200000_memory_vs_5000",
    what="rss_mb",
    against=(OURS,),
    most=1.25,
    of_row=f"nothing to do, {_SAID['small']}, {LOOPBACK.name}",
)
_MANY = _noop("many", LOOPBACK, "noop_200000", 0.15)

CASES: Mapping[str, tuple[Row, ...]] = {
    "up": (_up("large", "up_large"), _up("medium", "up_medium")),
    "up-tls": (_tls("large", "tls_large"), _tls("medium", "tls_medium")),
    "down": (
        _down("large", "down_large"),
        _down("medium", "down_medium"),
    ),
    "wan-1g": _movies(GIGABIT, "wan_1g", {"int8": 3.5, "u16": 7.0, "f32": 10.0}),
    "wan-100m": _movies(HUNDRED, "wan_100m", {"int8": 3.9, "u16": 7.5, "f32": 12.0}),
    "never-slower": tuple(
        _never_slower(data, LOOPBACK) for data in ("medium", "int8", "f32", "lzw", "eer")
    ),
    "never-slower-wan": tuple(
        _never_slower(data, link) for link in (GIGABIT,) for data in ("medium", "lzw", "eer")
    ),
    "small": (
        Row(
            name="up, 5,000 x 20 KB, loopback",
            verb="up",
            data="small",
            targets=(Target(key="small_vs_s5cmd", against=("s5cmd",), most=0.45),),
        ),
    ),
    "small-wan": (
        Row(
            name=f"up, 5,000 x 20 KB, {GIGABIT.name}",
            verb="up",
            data="small",
            link=GIGABIT,
            targets=(
                Target(key="small_wan_vs_s5cmd", against=("s5cmd",), most=0.27),
                Target(key="small_wan_vs_rclone", against=("rclone",), most=0.14),
            ),
        ),
    ),
    "noop": (_noop("small", LOOPBACK, "noop_5000", 0.5),),
    "noop-wan": (_noop("small", GIGABIT, "noop_5000_wan", 0.15),),
    "noop-many": (
        _noop("small", LOOPBACK, "noop_5000", 0.5),
        Row(
            name=_MANY.name,
            verb=_MANY.verb,
            data=_MANY.data,
            targets=(*_MANY.targets, _FLAT),
            clients=(OURS, "s5cmd"),
        ),
    ),
    "kill": (
        Row(
            name="kill -9 at half of 4 x 1 GB, and again",
            verb="kill",
            data="large",
            clients=(OURS, "s5cmd"),
            targets=(Target(key="kill_resent_mb", what="resent_mb", most=RESENT_MB),),
            rounds=1,
        ),
    ),
    "memory": (
        _memory("up", "hole-1", 256),
        _memory("up", "hole-64", 256),
        _memory("down", "hole-1", 100),
        _memory("down", "hole-8", 100),
    ),
    "identity": tuple(
        Row(
            name=f"there and back, {_SAID[data]}",
            verb="return",
            data=data,
            clients=(OURS,),
            scale=0.1,
            rounds=1,
        )
        for data in ("large", "small", "int8", "u16", "f32", "lzw", "eer")
    ),
    "short": (
        Row(
            name="up, 4 x 500 MB",
            verb="up",
            data="large",
            clients=(OURS, "s5cmd"),
            targets=(Target(key="up_vs_s5cmd", against=("s5cmd",), most=0.35),),
            scale=0.5,
        ),
        Row(
            name="down, 4 x 500 MB",
            verb="down",
            data="large",
            targets=(
                Target(key="down_vs_best", against=("s5cmd", "rclone", "obstore"), most=0.95),
            ),
            scale=0.5,
        ),
        Row(
            name="nothing to do, 5,000 x 20 KB",
            verb="sync",
            data="small",
            clients=(OURS, "s5cmd"),
            targets=(Target(key="noop_vs_s5cmd", against=("s5cmd",), most=0.5),),
        ),
    ),
}
"""By name; `short` is `make bench-transfer-short`."""
