"""An application whose bugs are errors that a user reads.

An application is other people's code, or may be. What it raises that is neither an error of ours
nor the system's is a bug of it, and would come again with every try.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from cryoem_cloud.model.errors import ApplicationError, CryoemError
from cryoem_cloud.ports.application import Application, Cut

__all__ = ["guarded"]

_LOG = logging.getLogger(__name__)

_CACHE = "sqlite3"
"""The module whose errors are of our cache, into which views look; imported where it is needed."""

_NONE = object()


def _cannot_tell(*_: object) -> None:
    """What an application says that has no such method."""


_DEFAULTS: Mapping[str, Callable[..., object]] = {"advance": _cannot_tell}
"""What the port lets an application leave out."""

P = ParamSpec("P")
T = TypeVar("T")


def guarded(application: Application, *, remedy: str) -> Application:
    """The application; where it breaks, it raises ApplicationError with `remedy` as its hint."""
    return cast("Application", _Guarded(application, remedy))


class _Guarded:
    """Passes everything on, and also guards what is called or walked through later."""

    def __init__(self, application: Application, remedy: str) -> None:
        self._application = application
        self._remedy = remedy

    def __getattr__(self, name: str) -> object:
        found: object = getattr(self._application, name, _DEFAULTS.get(name, _NONE))
        if found is _NONE:
            raise AttributeError(f"application {self._application.name} has no {name}")
        if callable(found):
            found = self._safe(found, name)
            setattr(self, name, found)  # asked for once: some are called for each file of many
        return found

    def _safe(self, call: Callable[P, T], name: str) -> Callable[P, T]:
        @wraps(call)
        def safe(*args: P.args, **kwargs: P.kwargs) -> T:
            with self._told(name):
                return cast("T", self._later(call(*args, **kwargs), name))

        return safe

    def _later(self, found: object, name: str) -> object:
        if isinstance(found, Iterator):
            return self._walked(found, name)
        if isinstance(found, Cut):
            script, part = self._safe(found.script, name), self._safe(found.part, name)
            return replace(found, script=script, part=part)
        return found

    def _walked(self, found: Iterator[T], name: str) -> Iterator[T]:
        with self._told(name):
            yield from found

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """Within this, what breaks is told as the application's."""
        try:
            yield
        except (CryoemError, OSError, MemoryError):
            raise
        except Exception as error:
            if type(error).__module__ == _CACHE:
                raise
            who = self._application.name
            _LOG.exception("application %s broke in %s", who, name)
            what = " ".join(f"{type(error).__name__}: {error}".split())
            raise ApplicationError(
                f"application {who} broke in {name}: {what}", hint=self._remedy
            ) from error
