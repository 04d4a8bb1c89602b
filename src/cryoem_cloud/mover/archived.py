"""What to say of a file whose bytes are archived."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from cryoem_cloud.model.errors import ArchivedError

__all__ = ["archived_error", "naming_archived"]


def archived_error(paths: list[str], *, hint: str = "") -> ArchivedError:
    """That these files of the project, at least one, cannot be read before they are restored."""
    first = shlex.quote(paths[0])
    more = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
    way = f"cryoem storage restore {first} says what that costs; it takes about 12 h, in bulk 48 h"
    return ArchivedError(f"{paths[0]} is archived{more}", hint=hint or way)


@contextmanager
def naming_archived(path: str) -> Iterator[None]:
    """Name the file, where its object is archived.

    Raises:
        ArchivedError: It is.
    """
    try:
        yield
    except ArchivedError as error:
        raise archived_error([path]) from error
