"""What an application may see of a project while it works out what a job reads."""

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from cryoem_cloud.model.file import Kind

__all__ = ["View"]


class View(Protocol):
    """The files of a project: those in its folder, and those that its store alone holds.

    Paths are relative to the project, or `@abs/…` for what lies outside it; links are followed.
    What the user deleted is no part of the view, though the index still names it: `kind` says None.
    """

    def kind(self, path: str) -> Kind | None:
        """FILE or FOLDER, whatever links lead there; None where neither is. Never raises."""
        ...

    def open(self, path: str) -> BinaryIO:
        """The bytes of a file, from the start.

        Any file that the index names may be opened, also one of which `kind` says None: a list
        that a command names by name is followed wherever its bytes are.

        Raises:
            OSError: It cannot be read.
            RefusedError: It is a device, socket or pipe.
        """
        ...

    def names(self, folder: str) -> Sequence[str]:
        """The names in a folder, in order; empty where there is no folder.

        Raises:
            RefusedError: The folder cannot be read.
        """
        ...

    def link(self, path: str) -> str:
        """Where the link at this very path leads, whether or not anything lies there.

        A path of the project, or `@abs/…` where it leads out of it. "" where no link lies there,
        or where it leads out and nobody here can say whereto.
        """
        ...
