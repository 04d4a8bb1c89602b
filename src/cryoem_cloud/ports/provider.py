"""Where machines come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cryoem_cloud.model.door import Door
from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.ports.application import Shape

__all__ = ["LIMIT_S", "MOST_FAILURES", "Order", "Provider"]

LIMIT_S = 24 * 3600.0
"""How long a fleet may be there, where nobody says otherwise."""

MOST_FAILURES = 10
"""Failures in a row (see Fleet) after which a provider starts no more of a fleet of one machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Machines wanted for a job. `token` names the order: the same token is the same fleet.

    `offer` says what kind of machines, `limit_s` how long the fleet may be there at most,
    `disk_gib` what its machines need to hold beside their system, `owner` who wants them, `image`
    what machines begin with, as the provider calls it ("": what it has been set up with), `door`
    who is let in to them (None: nobody; what needs no door has none).

    `environment` and `umask` (None: not known) are the submitter's, for a provider whose machines
    are processes of the submitter's own computer; they are never stored or sent elsewhere.
    """

    token: str
    store: str
    project: str
    job: int
    count: int
    offer: Offer = field(default_factory=Offer)
    limit_s: float = LIMIT_S
    disk_gib: int = 0
    owner: str = ""
    image: str = ""
    door: Door | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    umask: int | None = None

    @property
    def most_failures(self) -> int:
        """Failures in a row (see Fleet) after which a provider starts no more machines for it.

        All its machines may be lost at once, as when their computer is started anew.
        """
        return MOST_FAILURES + self.count - 1


class Provider(Protocol):
    """Keeps fleets of machines, each of which runs an agent for one job."""

    @property
    def name(self) -> str:
        """What users call it."""
        ...

    @property
    def store(self) -> str:
        """The URL of the one store that its machines reach; "": they reach all."""
        ...

    @property
    def region(self) -> str:
        """Where its machines are, as prices are told by; "" where that means nothing."""
        ...

    @property
    def sells(self) -> bool:
        """Whether there are machine types, and prices, to choose from; else an offer is empty."""
        ...

    def shape(self, offer: Offer) -> Shape:
        """What machines of an offer are like, for programs whose counts follow the machine.

        Raises:
            ProviderError: There are no such machines.
        """
        ...

    def keep(self, order: Order) -> Fleet:
        """See to it that the fleet exists and is at strength, and say how it is.

        Machines that are gone without their agent having said that it left are replaced, until
        `most_failures` in a row were gone before they had worked, that is, before their agent had
        come through a turn (`ports.machine_self`). To have come up is not enough: a machine that
        breaks whenever it is up would be bought again for ever. The provider counts, as it is the
        provider that goes on buying while couriers sleep; machines that it took away itself, as
        spot markets do, do not count. A machine that left by itself is not replaced, whatever it
        left behind: who knows the job orders a new fleet, under a new token, once this one is
        spent. Where machines are dear, one that cannot boot or whose agent breaks leaves as well.

        May be called again at any time, by any process, and does not wait for machines to come up.
        """
        ...

    def look(self, token: str) -> Fleet:
        """How the fleet is, with the machines that ended; an unknown token is an empty fleet.

        Changes nothing.
        """
        ...

    def end(self, token: str) -> None:
        """See to it that the fleet's machines end, with all their processes, and are not replaced.

        What is gone is done. Returns when the end has been ordered; `look` says when it is true.
        """
        ...

    def extend(self, token: str, by_s: float) -> datetime | None:
        """Let a fleet be there so much longer; until when, or None where nothing limits it.

        Its machines learn of it from the job's records (`stores.jobs`), which the caller writes.

        Raises:
            ProviderError: There is no such fleet any more.
        """
        ...

    def dismiss(self, machine: str) -> None:
        """See to it that one machine ends and is not replaced; one that is gone is done."""
        ...

    def console(self, machine: str) -> str:
        """What a machine printed while it came up, as far as that is known; "" if it is not."""
        ...

    def close(self, token: str) -> None:
        """See to it that nobody is let in to a fleet's machines; what is closed is done.

        `end` and `forget` do so too.
        """
        ...

    def forget(self, token: str) -> None:
        """See to it that nothing is left of a fleet; one that still has machines is left alone."""
        ...

    def tokens(self) -> tuple[str, ...]:
        """The fleets that this provider knows of and that have machines, in no order."""
        ...
