"""Shell patterns, matched against a view of the project.

As bash and glob(3) match them: `*`, `?` and `[…]` within a name, a backslash before a sign that
stands for itself, no pattern matches a name's leading dot. What matches comes in the order of the
names' bytes, as in the C locale.
"""

import os
import re
from collections.abc import Callable, Iterator

from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.ports.view import View

__all__ = ["fitting", "is_pattern", "matching", "may_lie_in", "plain"]

_QUOTED = re.compile(r"\\(.)", re.DOTALL)
_CLASS = re.compile(r"\[:(?P<name>alpha|digit|alnum|upper|lower|space|blank|punct|xdigit):\]")
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9a-fA-F",
}


def is_pattern(text: str) -> bool:
    """Whether the text has signs that may match several names."""
    return any(sign in text for sign in "*?[")


def plain(text: str) -> str:
    """A pattern without backslashes before signs that stand for themselves."""
    return _QUOTED.sub(r"\1", text)


def matching(view: View, pattern: str) -> list[str]:
    """The paths that match, in order. A segment without signs must just be there.

    Raises:
        RefusedError: A folder on the way cannot be read.
    """
    found = [""]
    segments = [segment for segment in pattern.split("/") if segment not in {"", "."}]
    for depth, segment in enumerate(segments, start=1):
        inner = depth < len(segments)
        found = [path for folder in found for path in _matching(view, folder, segment, inner=inner)]
    return sorted(found, key=os.fsencode) if segments else []


def fitting(pattern: str) -> Callable[[str], bool]:
    """Whether a pattern fits a path, or a folder in which the path lies."""
    segments = [segment for segment in pattern.split("/") if segment not in {"", "."}]
    wanted = [re.compile(_expression(segment), re.DOTALL) for segment in segments]

    def fits(path: str) -> bool:
        names = path.split("/")
        pairs = zip(wanted, names, strict=False)
        return len(names) >= len(wanted) and all(one.fullmatch(name) for one, name in pairs)

    return fits


def may_lie_in(pattern: str, folder: str) -> bool:
    """Whether what is called so, or matches, may be the folder or in it, whatever that holds."""
    if not is_pattern(pattern):
        return is_below(pattern, folder)
    depth = len(folder.split("/"))
    above = [segment for segment in pattern.split("/") if segment not in {"", "."}][:depth]
    return folder == "." or (len(above) == depth and fitting("/".join(above))(folder))


def _matching(view: View, folder: str, segment: str, *, inner: bool) -> Iterator[str]:
    start = f"{folder}/" if folder else ""
    if not is_pattern(segment):
        names = [plain(segment)]
    else:
        fits = re.compile(_expression(segment), re.DOTALL)
        names = [name for name in view.names(folder or ".") if fits.fullmatch(name)]
        if not inner:
            yield from (start + name for name in names)
            return
    for name in names:
        kind = view.kind(start + name)
        if kind is Kind.FOLDER or (kind is not None and not inner):
            yield start + name


def _expression(segment: str) -> str:
    """The regular expression for one segment of a pattern."""
    pieces = [] if segment.startswith((".", "\\.")) else [r"(?!\.)"]
    at = 0
    while at < len(segment):
        sign = segment[at]
        at += 1
        if sign == "*":
            pieces.append(".*")
        elif sign == "?":
            pieces.append(".")
        elif sign == "\\" and at < len(segment):
            pieces.append(re.escape(segment[at]))
            at += 1
        elif sign == "[" and (end := _bracket_end(segment, at)) > 0:
            pieces.append(_set(segment[at:end]))
            at = end + 1
        else:
            pieces.append(re.escape(sign))
    return "".join(pieces)


def _bracket_end(segment: str, start: int) -> int:
    """Where the bracket that was opened before `start` is closed; -1 where it is not."""
    at = start + (segment[start : start + 1] in {"!", "^"})
    at += segment[at : at + 1] == "]"
    while at < len(segment) and segment[at] != "]":
        found = _CLASS.match(segment, at)
        at = found.end() if found else at + (2 if segment[at] == "\\" else 1)
    return at if at < len(segment) else -1


def _set(inside: str) -> str:
    """The regular expression for what stands between brackets; `z-a` matches nothing."""
    negated = inside[:1] in {"!", "^"}
    at = int(negated)
    members: list[str] = []
    while at < len(inside):
        found = _CLASS.match(inside, at)
        if found:
            members.append(_CLASSES[found["name"]])
            at = found.end()
            continue
        first, at = _member(inside, at)
        if inside[at : at + 1] == "-" and at + 1 < len(inside):
            last, at = _member(inside, at + 1)
            if first <= last:
                members.append(f"{re.escape(first)}-{re.escape(last)}")
        else:
            members.append(re.escape(first))
    if not members:
        return "." if negated else r"(?!)"
    return f"[{'^' if negated else ''}{''.join(members)}]"


def _member(inside: str, at: int) -> tuple[str, int]:
    """The sign at that place, and the place behind it."""
    if inside[at] == "\\" and at + 1 < len(inside):
        return inside[at + 1], at + 2
    return inside[at], at + 1
