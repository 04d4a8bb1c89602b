"""The life of instances: pending, running, shutting-down, terminated; stopped on the way."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from socket import socket
from threading import RLock

from moto.ec2.models.instances import Instance as Record
from moto.ec2.models.instances import InstanceState, StateReason

from tests.ec2sim.clock import Clock
from tests.ec2sim.faults import Faults
from tests.ec2sim.instances import Kept
from tests.ec2sim.refusals import Refusal
from tests.ec2sim.seam import Machines, SpotAction, Why

__all__ = ["Life"]

# EC2's codes of states.
CODES: Mapping[str, int] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
LIVING = frozenset({"pending", "running"})
_GRACE_SECONDS = 3.0  # real ones: what a machine's programs have between TERM and KILL

# As EC2 words them.
_MESSAGES: Mapping[Why, str] = {
    Why.SHUT_DOWN_ITSELF: "Instance initiated shutdown",
    Why.TERMINATED: "User initiated shutdown",
    Why.STOPPED: "User initiated shutdown",
    Why.SPOT_TAKEN: "Spot instance termination",
    Why.BROKEN: "Internal error on launch",
}
_SHOWN: Mapping[Why, str] = {Why.STOPPED: "Client.UserInitiatedShutdown"}


class Life:
    """All instances of a Cloud, and what happens to them. Fulfils `seam.Told`."""

    def __init__(self, clock: Clock, machines: Machines, faults: Faults, lock: RLock) -> None:
        self._clock = clock
        self._machines = machines
        self._faults = faults
        self._lock = lock
        self._kept: dict[str, Kept] = {}
        self._changed: list[Callable[[Kept], None]] = []
        self.serving: Callable[[socket], Callable[[], None]] | None = None

    def on_change(self, do: Callable[[Kept], None]) -> None:
        """Have it done whenever an instance's state has changed."""
        self._changed.append(do)

    def __iter__(self) -> Iterator[Kept]:
        """All instances that ever were, the oldest first."""
        return iter(list(self._kept.values()))

    def find(self, instance_id: str) -> Kept | None:
        """The instance; None if there is no such."""
        return self._kept.get(instance_id)

    def age(self, kept: Kept) -> float:
        """Simulated seconds since its launch."""
        return self._clock.now() - kept.beside.launched_at

    def now(self) -> float:
        """The simulator's clock."""
        return self._clock.now()

    def launched(self, record: Record, *, market: str, profile_arn: str) -> Kept:
        """Take moto's new instance into the books, and have it booted."""
        kept = Kept(record, self._clock.now(), market, profile_arn)
        if market == "spot":
            record.lifecycle = "spot"
            vars(record)["spot_instance_request_id"] = f"sir-{kept.id[-8:]}"
        self._kept[kept.id] = kept
        self._begin(kept)
        return kept

    def start(self, kept: Kept) -> None:
        """Boot a stopped instance.

        Raises:
            Refusal: It is neither stopped nor on its way up.
        """
        if kept.state in LIVING:
            return
        if kept.state != "stopped":
            raise _wrong_state(kept, "started")
        self._begin(kept)

    def end(self, kept: Kept, why: Why) -> None:
        """Begin to end it; what has ended, or is ending, is left alone."""
        stopping = self._only_stops(kept, why)
        if kept.state == "stopped" and not stopping:
            self._finish(kept, why)
        elif kept.state in LIVING or (kept.state == "stopping" and not stopping):
            self._become(kept, "stopping" if stopping else "shutting-down", why)
            if kept.beside.handed:
                self._machines.end(kept.id, why, _GRACE_SECONDS)
            else:
                self._clock.after(0, lambda: self._finish(kept, why))

    def interrupt(self, kept: Kept, notice: float) -> None:
        """Take a Spot instance, after a notice of so many real seconds (AWS gives 120)."""
        if kept.market != "spot":
            raise ValueError(f"{kept.id} is no Spot instance")
        at = datetime.now(UTC) + timedelta(seconds=notice)
        kept.beside.spot_action = SpotAction("terminate", at)
        kept.beside.rebalance_at = kept.beside.rebalance_at or datetime.now(UTC)
        self._clock.after(self._clock.simulated(notice), lambda: self.end(kept, Why.SPOT_TAKEN))

    def running(self, instance_id: str) -> None:
        """See `seam.Told`."""
        with self._lock:
            kept = self._kept[instance_id]
            if kept.state == "pending":
                self._become(kept, "running", None)

    def ended(self, instance_id: str, why: Why) -> None:
        """See `seam.Told`."""
        with self._lock:
            kept = self._kept[instance_id]
            if kept.state not in {"terminated", "stopped"}:
                self._finish(kept, why)

    def impaired(self, instance_id: str) -> None:
        """See `seam.Told`."""
        with self._lock:
            kept = self._kept[instance_id]
            kept.beside.impaired = True
            self._tell(kept)

    def serve(self, listening: socket) -> Callable[[], None]:
        """See `seam.Told`."""
        if self.serving is None:
            raise RuntimeError("The simulated AWS does not answer yet")
        return self.serving(listening)

    def _begin(self, kept: Kept) -> None:
        kept.beside.impaired = kept.beside.handed = False
        self._become(kept, "pending", None)
        fate = self._faults.next_boot()
        self._clock.after(self._faults.boot_delay, lambda: self._boot(kept, fate))

    def _boot(self, kept: Kept, fate: str) -> None:
        if kept.state != "pending":
            return
        if fate == "fails":
            self._finish(kept, Why.BROKEN)
        elif fate == "hangs":
            self._become(kept, "running", None)
        else:
            kept.beside.handed = True
            self._machines.boot(kept)

    def _only_stops(self, kept: Kept, why: Why) -> bool:
        by_itself = why is Why.SHUT_DOWN_ITSELF and kept.shutdown_behavior == "stop"
        return why is Why.STOPPED or by_itself

    def _finish(self, kept: Kept, why: Why) -> None:
        if self._only_stops(kept, why) and kept.state != "shutting-down":
            self._become(kept, "stopped", why)
            return
        was, began = kept.state, kept.record._reason
        kept.record.terminate()
        self._become(kept, "terminated", why)
        if was == "shutting-down":  # the reason has the instant from which nothing is billed
            kept.record._reason = began

    def _become(self, kept: Kept, state: str, why: Why | None) -> None:
        kept.record._state = InstanceState(state, CODES[state])
        if why is None:
            kept.record.state_reason = StateReason()
            kept.record._reason = ""
        else:
            code = _SHOWN.get(why, why.value)
            now = datetime.now(UTC)
            kept.record.state_reason = StateReason(f"{code}: {_MESSAGES[why]}", code)
            kept.record._reason = f"{_MESSAGES[why]} ({now:%Y-%m-%d %H:%M:%S} GMT)"
        self._tell(kept)

    def _tell(self, kept: Kept) -> None:
        for do in self._changed:
            do(kept)


def _wrong_state(kept: Kept, verb: str) -> Refusal:
    return Refusal(
        "IncorrectInstanceState",
        f"The instance '{kept.id}' is not in a state from which it can be {verb}.",
    )
