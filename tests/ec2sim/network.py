"""The machines' network: a hub that routes between them and to AWS's endpoint, and nowhere else.

The hub is a namespace with no link to the host. Each machine has one wire to it, and is known by
its private address. There is no bridge: a router needs none, and knows connections.
"""

import contextlib
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

from tests.ec2sim.firewall import ruleset
from tests.ec2sim.namespaces import Namespace, checked
from tests.ec2sim.seam import Instance

__all__ = ["ENDPOINT", "ENDPOINT_PORT", "METADATA", "Network", "Traffic", "Wire"]

ENDPOINT = "198.18.0.1"
ENDPOINT_PORT = 5000
METADATA = "169.254.169.254"


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that a machine has received and sent since it was wired."""

    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Wire:
    """A machine's end of the network."""

    namespace: Namespace
    interface: str
    """The hub's side of it."""


class Network:
    """The hub, and the wires of machines. Closing it, or the end of this process, ends all."""

    def __init__(self) -> None:
        self.hub = Namespace.new()
        self.hub.ip((f"addr add {ENDPOINT}/32 dev lo", f"addr add {METADATA}/32 dev lo"))
        self.hub.run(_routing)
        self._numbers = itertools.count(1)
        self._wires: dict[str, tuple[Wire, Instance]] = {}
        self._severed: set[str] = set()
        self._rules = ""
        self._lock = threading.Lock()
        self.guard()

    def listen(self, address: str, port: int) -> socket:
        """A listening socket in the hub, which machines reach."""

        def inside() -> socket:
            made = socket(AF_INET, SOCK_STREAM)
            made.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            made.bind((address, port))
            made.listen(128)
            return made

        return self.hub.run(inside)

    def wire(self, instance: Instance) -> Wire:
        """Connect a machine: it can reach the endpoint, its metadata, and who lets it in."""
        wire = Wire(Namespace.new(), f"m{next(self._numbers)}")
        with self._lock:
            self._wires[instance.id] = (wire, instance)
        try:
            self._connect(wire, instance)
        except OSError:
            self.unwire(instance.id)
            raise
        self.guard()
        return wire

    def _connect(self, wire: Wire, instance: Instance) -> None:
        address = instance.private_ip
        theirs = f"name eth0 address {hardware_address(address)} netns {wire.namespace.path}"
        self.hub.ip(
            (
                f"link add {wire.interface} type veth peer {theirs}",
                f"link set {wire.interface} up",
                f"route replace {address}/32 dev {wire.interface}",
            )
        )
        wire.namespace.ip(
            (
                f"addr add {address}/32 dev eth0",
                "link set eth0 up",
                f"route add {ENDPOINT}/32 dev eth0",
                f"route add {METADATA}/32 dev eth0",
                f"route add {instance.network} via {ENDPOINT} dev eth0",
            )
        )

    def unwire(self, instance_id: str) -> None:
        """See to it that the machine has no connection, and nothing of one is left."""
        with self._lock:
            wire, _ = self._wires.pop(instance_id, (None, None))
        if wire is not None:
            with contextlib.suppress(OSError):  # it goes with the hub, too
                self.hub.ip((f"link del {wire.interface}",))
            wire.namespace.close()

    def at(self, address: str) -> Instance | None:
        """The machine with this private address."""
        with self._lock:
            wired = [instance for _, instance in self._wires.values()]
        return next((found for found in wired if found.private_ip == address), None)

    def guard(self) -> None:
        """Apply the machines' security groups as they are now. Cheap if nothing has changed."""
        with self._lock:
            wired = tuple(self._wires.values())
            severed = {self._wires[name][0].interface for name in self._severed & set(self._wires)}
        ingress = {wire.interface: instance.ingress for wire, instance in wired}
        rules = ruleset(ingress, severed=severed, endpoint=ENDPOINT)
        with self._lock:
            if rules != self._rules:
                checked(self.hub.command("nft", "-f", "-"), fed=rules)
                self._rules = rules

    def limit(self, instance_id: str, mbit: float) -> None:
        """Let at most so many Mbit/s into the machine, and as many out of it."""
        with self._lock:
            wire, _ = self._wires[instance_id]
        shape = ("root", "tbf", "rate", f"{round(mbit * 1000)}kbit", "burst", "256kb")
        for place, device in ((self.hub, wire.interface), (wire.namespace, "eth0")):
            change = ("tc", "qdisc", "replace", "dev", device, *shape, "latency", "50ms")
            checked(place.command(*change))

    def sever(self, instance_id: str, *, severed: bool = True) -> None:
        """Put AWS's endpoint out of the machine's reach, but not its metadata; or bring it back."""
        with self._lock:
            change = self._severed.add if severed else self._severed.discard
            change(instance_id)
        self.guard()

    def traffic(self, instance_id: str) -> Traffic:
        """What has come over the machine's wire."""
        with self._lock:
            wire, _ = self._wires[instance_id]
        text = self.hub.run(Path("/proc/thread-self/net/dev").read_text)
        return _traffic(text)[wire.interface]

    def close(self) -> None:
        """Unwire all machines, and let go of the hub."""
        for instance_id in tuple(self._wires):
            self.unwire(instance_id)
        self.hub.close()


def hardware_address(address: str) -> str:
    """The machine's MAC address: made from its IP address, so that everybody knows it."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def _routing() -> None:
    inside: Mapping[str, str] = {"ip_forward": "1", "conf/all/rp_filter": "1"}
    for name, value in inside.items():
        Path("/proc/sys/net/ipv4", name).write_text(value, encoding="ascii")


# Inter-|   Receive                                                |  Transmit
#  face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs …
#     m1:    1342      17    0    0    0     0          0         0     2210      19    0 …
def _traffic(text: str) -> dict[str, Traffic]:
    """By interface of the hub: what it receives, its machine has sent."""
    found = {}
    for line in text.splitlines()[2:]:
        name, _, counts = line.partition(":")
        numbers = [int(word) for word in counts.split()]
        found[name.strip()] = Traffic(received=numbers[8], sent=numbers[0])
    return found
