"""Says which object of a store is damaged."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryoem_cloud.model.errors import FormatError, NewerFormatError

__all__ = ["reading"]


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Name the object in whatever goes wrong with what it holds.

    Raises:
        FormatError: It is no such record; NewerFormatError passes as it is.
    """
    try:
        yield
    except NewerFormatError:
        raise
    except FormatError as error:
        raise FormatError(
            f"{key} in the store is damaged: {error.message}",
            hint="restore it from a copy of the store; cryoem report ID says what was going on",
        ) from error
