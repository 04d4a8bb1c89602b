"""The seam between the simulator's halves: the API tier that answers, and a tier of machines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from socket import socket
from typing import Protocol


class Why(StrEnum):
    """Why an instance ended: EC2's own codes of a state reason."""

    SHUT_DOWN_ITSELF = "Client.InstanceInitiatedShutdown"
    TERMINATED = "Client.UserInitiatedShutdown"
    STOPPED = "Client.UserInitiatedStop"
    SPOT_TAKEN = "Server.SpotInstanceTermination"
    BROKEN = "Server.InternalError"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the metadata service gives to whoever is on the machine."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MetadataOptions:
    """How the instance's metadata service answers."""

    enabled: bool
    token_required: bool
    hop_limit: int
    tags_enabled: bool


@dataclass(frozen=True, slots=True)
class SpotAction:
    """A Spot interruption that has been announced."""

    action: str  # terminate, stop or hibernate
    at: datetime


@dataclass(frozen=True, slots=True)
class Ingress:
    """One rule that lets traffic in; both sources may be empty."""

    protocol: str  # tcp, udp, icmp, or -1 for all
    from_port: int | None
    to_port: int | None
    addresses: tuple[str, ...]  # in CIDR form; those of a source group are listed one by one


class Instance(Protocol):
    """What EC2 knows of an instance. Every property is read anew: it may change while it runs."""

    @property
    def id(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def vcpus(self) -> int: ...
    @property
    def memory_mib(self) -> int: ...
    @property
    def nvme_gb(self) -> int:
        """Size of all its instance store together; 0 if it has none."""
        ...

    @property
    def private_ip(self) -> str: ...
    @property
    def network(self) -> str:
        """Its VPC's addresses, in CIDR form."""
        ...

    @property
    def ingress(self) -> Sequence[Ingress]: ...
    @property
    def user_data(self) -> bytes:
        """As given, after base64; empty if there is none."""
        ...

    @property
    def public_key(self) -> str:
        """The line for authorized_keys; empty without a key pair."""
        ...

    @property
    def account(self) -> str: ...
    @property
    def profile_arn(self) -> str:
        """Its instance profile; empty if it has none."""
        ...

    @property
    def role_name(self) -> str:
        """The role in its profile; empty if there is none."""
        ...

    def credentials(self) -> Credentials:
        """The role's credentials: the same ones until they are about to expire, then new ones.

        Raises:
            LookupError: The instance has no role.
        """
        ...

    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def metadata(self) -> MetadataOptions: ...
    @property
    def shutdown_behavior(self) -> str:
        """What a shutdown from inside means: `stop` or `terminate`."""
        ...

    @property
    def market(self) -> str:
        """`on-demand` or `spot`."""
        ...

    @property
    def lifecycle_target(self) -> str:
        """Of an instance of an Auto Scaling group what it should become (InService, Terminated)."""
        ...

    @property
    def spot_action(self) -> SpotAction | None: ...
    @property
    def rebalance_at(self) -> datetime | None:
        """When AWS recommended to rebalance; None if it did not."""
        ...


class Told(Protocol):
    """What a tier of machines tells the API tier; may be called from any thread."""

    def running(self, instance_id: str) -> None:
        """The machine's first program has been started."""
        ...

    def ended(self, instance_id: str, why: Why) -> None:
        """Nothing of the machine is left. Whether it is stopped or terminated, EC2 knows."""
        ...

    def impaired(self, instance_id: str) -> None:
        """The machine fails its status check, but is not ended."""
        ...

    def serve(self, listening: socket) -> Callable[[], None]:
        """Answer AWS's calls on this socket too (one in the machines' network); returns its end."""
        ...


class Machines(Protocol):
    """Where instances run. Calls return at once; what comes of them is told to `Told`."""

    endpoint: str
    """The URL at which the machines reach AWS."""

    def open(self, told: Told) -> None:
        """Get ready; called once, when the API answers."""
        ...

    def boot(self, instance: Instance) -> None:
        """Begin to start the machine: `running` follows, or `ended` if that fails.

        A stopped instance may be booted again.
        """
        ...

    def end(self, instance_id: str, why: Why, grace: float) -> None:
        """Begin to end the machine: programs are asked, and killed after `grace` seconds.

        `ended` follows with the same reason, once; what has ended already is left alone.
        """
        ...

    def console(self, instance_id: str) -> str:
        """What the machine's console shows, also after its end; empty if it is not known."""
        ...

    def take_image(self, instance_id: str, image_id: str) -> None:
        """Keep what the machine's root disk holds now: instances of that image begin with it."""
        ...

    def close(self) -> None:
        """End all machines without telling, and undo what `open` did."""
        ...
