"""Changes of a script's text, word by word: all else stays as the user wrote it."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from cryoem_cloud.apps.relion.script import Call

__all__ = ["Edit", "edited", "with_flag", "with_option", "without_flag"]

Edit: TypeAlias = tuple[int, int, str]
"""A range of the script, and what stands there instead."""


def edited(script: str, edits: Iterable[Edit]) -> str:
    """The script with the edits, no two of which meet."""
    for start, end, text in sorted(edits, reverse=True):
        script = script[:start] + text + script[end:]
    return script


def with_flag(call: Call, flag: str) -> Iterator[Edit]:
    """The flag is given."""
    if not call.has(flag):
        end = call.command.words[-1].end
        yield end, end, f" {flag}"


def with_option(call: Call, option: str, value: str) -> Iterator[Edit]:
    """The option has that value, which needs no quotes."""
    span = call.span(option)
    if span is not None:
        yield *span, f"{option} {value}"
    else:
        end = call.command.words[-1].end
        yield end, end, f" {option} {value}"


def without_flag(call: Call, flag: str) -> Iterator[Edit]:
    """The flag is not given."""
    for word in call.arguments:
        if word.text == flag:
            yield word.start, word.end, ""
