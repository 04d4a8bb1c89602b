"""A machine that nothing is expected of, for tests of agents."""

from datetime import datetime

from cryoem_cloud.ports.machine_self import Limits, Notice

__all__ = ["Unbothered"]


class Unbothered:
    """What ports.machine_self asks for beside a name and the words about an agent's life."""

    def progressed(self) -> None:
        """Nobody waits for that."""

    def notice(self) -> Notice | None:
        """None."""
        return None

    def limits(self) -> Limits:
        """None."""
        return Limits()

    def extend(self, until: datetime) -> None:
        """Nothing limits it."""

    def replace(self, machine: str) -> None:
        """Nobody else is here."""

    def make_way(self) -> None:
        """Nobody takes it."""
