"""Sizes, times, money, how many of what, and what machines say, for people."""

import re
from datetime import timedelta
from decimal import Decimal

__all__ = [
    "counted",
    "hours_of",
    "human_duration",
    "human_size",
    "human_usd",
    "plain",
    "roughly",
    "size_of",
    "visible",
]

_KILO = 1000
_UNITS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}
_HOURS = re.compile(r"(?P<number>\d{1,6}(\.\d+)?) *(?P<unit>[hmd]?)", re.ASCII)
_OF_UNIT = {"h": 1.0, "": 1.0, "m": 1 / 60, "d": 24.0}


def counted(number: int, one: str, many: str = "") -> str:
    """So many of them: `1 file`, `3 files`; `many` where more than one are called otherwise."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def plain(text: str) -> str:
    """What a machine said, without anything that a terminal would obey.

    Bytes of file names that are no UTF-8 stay (surrogateescape): such a terminal obeys none.
    """
    kept = (each for each in text if each.isprintable() or each in "\n\t" or _is_odd_byte(each))
    return "".join(kept)


def visible(text: str) -> str:
    r"""A name or a sentence on one line: what a terminal would obey is written `\n`, `\x1b`.

    Other bytes that are no UTF-8 stay, as in `plain`.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or _is_odd_byte(each) else each.encode("unicode_escape").decode()
        for each in text
    )


def _is_odd_byte(character: str) -> bool:
    return "\udc80" <= character <= "\udcff"


def human_size(size: int) -> str:
    """Bytes in decimal units: `1.4 GB`."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if size >= _KILO**power:
            return f"{size / _KILO**power:.1f} {unit}"
    return f"{size} B"


def size_of(text: str) -> int:
    """Bytes as users write them: `500k`, `50M`, `1.5G`, of decimal units.

    Raises:
        ValueError: It is no number above 0.
    """
    number = text.rstrip("kMGT")
    unit = text[len(number) :]
    size = float(number) * _KILO ** _UNITS[unit] if unit in _UNITS else 0.0
    if not 1 <= size < float("inf"):
        raise ValueError(text)
    return int(size)


def hours_of(text: str) -> float:
    """Hours, as users write them: `8h`, `90m`, `2d`, `8`.

    Raises:
        ValueError: It is no time above 0.
    """
    found = _HOURS.fullmatch(text.strip())
    hours = float(found["number"]) * _OF_UNIT[found["unit"]] if found else 0.0
    if hours <= 0:
        raise ValueError(text)
    return hours


def human_duration(lasts: timedelta) -> str:
    """Hours, minutes and seconds: `1 h 02 min`, `3 min 10 s`, `8 s`."""
    seconds = round(lasts.total_seconds())
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds % 60:02d} s" if minutes else f"{seconds} s"


def roughly(seconds: float) -> str:
    """A time that is no better known than to a minute, in hours and minutes: at least `1 min`."""
    minutes = max(1, round(seconds / 60))
    return human_duration(timedelta(minutes=minutes)).removesuffix(" 00 s")


def human_usd(usd: Decimal) -> str:
    """US dollars with as many digits as mean something."""
    return f"${usd:,.2f}" if usd >= Decimal("0.1") or not usd else f"${usd:.4f}"
