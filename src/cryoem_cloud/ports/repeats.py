"""How those who wait for a request hear that it has to be repeated.

A store that tries again by itself (`stores/patient`) hides from its callers that the server is
busy; who has many requests under way wants to know, to have fewer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["hearing_of_repeats", "tell_repeat"]

_HEARS: ContextVar[Callable[[], None] | None] = ContextVar("hears", default=None)


@contextmanager
def hearing_of_repeats(hears: Callable[[], None]) -> Iterator[None]:
    """Within this, `hears` is called before each repetition of a request of this thread's."""
    token = _HEARS.set(hears)
    try:
        yield
    finally:
        _HEARS.reset(token)


def tell_repeat() -> None:
    """Say that a request of this thread's is going to be repeated."""
    hears = _HEARS.get()
    if hears is not None:
        hears()
