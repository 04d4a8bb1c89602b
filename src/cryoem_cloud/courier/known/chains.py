"""What comes before a job in its chain."""

from collections.abc import Callable, Iterable
from typing import Protocol

__all__ = ["before"]


class _After(Protocol):
    @property
    def after(self) -> tuple[int, ...]: ...


def before(after: Iterable[int], known: Callable[[int], _After | None]) -> frozenset[int]:
    """The numbers of all jobs that come before one in its chain, as far as they are known.

    `known` gives the job of a number, or its card.
    """
    found: set[int] = set()
    todo = list(after)
    while todo:
        number = todo.pop()
        if number not in found:
            found.add(number)
            job = known(number)
            todo.extend(job.after if job else ())
    return frozenset(found)
