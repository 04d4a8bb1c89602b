"""What a machine can say to its provider about itself."""

from typing import Protocol

__all__ = ["MachineSelf"]


class MachineSelf(Protocol):
    """The provider, as seen from a machine that it started."""

    @property
    def name(self) -> str:
        """The machine's name, unique in its job."""
        ...

    def up(self) -> None:
        """Say that the agent runs and has found its job."""
        ...

    def worked(self) -> None:
        """Say that the agent has come through a turn: an end is no failure of the machine's now."""
        ...

    def leave(self) -> None:
        """Say that this machine is about to end by itself and is not to be replaced."""
        ...
