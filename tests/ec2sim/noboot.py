"""Machines that only pretend: no root needed, nothing boots, a test may have something run."""

from collections.abc import Callable

from tests.ec2sim.clock import Clock
from tests.ec2sim.seam import Instance, Told, Why

__all__ = ["NoBoot"]

_ENDING_SECONDS = 10.0


class NoBoot:
    """Machines that are up after some simulated seconds, and then do nothing. See `seam.Machines`.

    `on_boot` is what a machine does instead of its user data; it runs on the simulator's clock,
    must not wait, and may call `shut_down`.
    """

    def __init__(
        self, *, boot_seconds: float = 20.0, on_boot: Callable[[Instance], None] | None = None
    ) -> None:
        self.endpoint = ""
        self.on_boot = on_boot
        self.clock: Clock | None = None  # the Cloud gives its own
        self._boot_seconds = boot_seconds
        self._up: dict[str, Instance] = {}
        self._ending: set[str] = set()
        self._told: Told | None = None

    def open(self, told: Told) -> None:
        """See `seam.Machines`."""
        self._told = told

    def boot(self, instance: Instance) -> None:
        """See `seam.Machines`."""
        self._up[instance.id] = instance
        self._later(self._boot_seconds, lambda: self._boot(instance))

    def end(self, instance_id: str, why: Why, grace: float) -> None:
        """See `seam.Machines`: here the grace is ten simulated seconds."""
        if instance_id not in self._up or instance_id in self._ending:
            return
        self._ending.add(instance_id)
        self._later(_ENDING_SECONDS, lambda: self._end(instance_id, why))

    def shut_down(self, instance_id: str) -> None:
        """What `shutdown` on the machine does."""
        self.end(instance_id, Why.SHUT_DOWN_ITSELF, 0.0)

    def hang(self, instance_id: str) -> None:
        """The machine answers no more: its status check fails, and it costs money still."""
        self._teller().impaired(instance_id)

    def console(self, instance_id: str) -> str:
        """See `seam.Machines`."""
        return f"[    0.000000] {instance_id} pretends to be up\n"

    def take_image(self, instance_id: str, image_id: str) -> None:
        """See `seam.Machines`: here nothing is on a disk."""

    def close(self) -> None:
        """See `seam.Machines`."""
        self._up.clear()

    def _boot(self, instance: Instance) -> None:
        if instance.id in self._ending or instance.id not in self._up:
            return
        self._teller().running(instance.id)
        if self.on_boot is not None:
            self.on_boot(instance)

    def _end(self, instance_id: str, why: Why) -> None:
        self._ending.discard(instance_id)
        self._up.pop(instance_id, None)
        self._teller().ended(instance_id, why)

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        if self.clock is None:
            raise RuntimeError("These machines belong to no Cloud yet")
        self.clock.after(seconds, do)

    def _teller(self) -> Told:
        if self._told is None:
            raise RuntimeError("These machines belong to no Cloud yet")
        return self._told
