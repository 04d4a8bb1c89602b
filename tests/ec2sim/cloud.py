"""A simulated AWS: it begins empty, answers on loopback, and leaves nothing behind."""

import socket
from collections.abc import Callable
from threading import RLock
from types import TracebackType
from typing import Self

from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.moto_api._internal.models import moto_api_backend

from tests.ec2sim.autoscaling import AutoScaling
from tests.ec2sim.billing import Bill, CostExplorer
from tests.ec2sim.capacity import Capacity
from tests.ec2sim.clock import Clock
from tests.ec2sim.cloudformation import CloudFormation
from tests.ec2sim.ec2 import Ec2, Tokens
from tests.ec2sim.faults import Faults
from tests.ec2sim.group_launches import GroupLauncher
from tests.ec2sim.iam import Iam, Judge
from tests.ec2sim.images import images_installed
from tests.ec2sim.inside import Inside
from tests.ec2sim.instances import Kept
from tests.ec2sim.launching import Launcher
from tests.ec2sim.life import Life
from tests.ec2sim.noboot import NoBoot
from tests.ec2sim.pricing import PriceList, Prices, ServiceQuotas
from tests.ec2sim.quotas import Quotas
from tests.ec2sim.rights import rights_judged
from tests.ec2sim.scaling import Scaling
from tests.ec2sim.seam import Machines
from tests.ec2sim.server import Door, Server
from tests.ec2sim.stacks import Stacks

__all__ = ["Cloud"]


class Cloud:
    """One simulated AWS; a process can have one at a time, as moto's state is the process's.

    Args:
        minute: How many real seconds a simulated minute lasts. Sixty, and a test that lets time
            pass itself (`clock.skip`), is the quickest.
        machines: Where instances run; none, and they only pretend.
        seed: Of what chance decides.
    """

    def __init__(
        self, *, minute: float = 60.0, machines: Machines | None = None, seed: int = 1
    ) -> None:
        self.lock = RLock()
        self.machines: Machines = NoBoot() if machines is None else machines
        self.faults = Faults(seed)
        self.capacity = Capacity()
        self.quotas = Quotas()
        self.prices = Prices()
        self.bill = Bill()
        self.judge: Judge | None = None
        """Who answers SimulatePrincipalPolicy."""
        self._minute = minute
        self._tokens: Tokens = {}
        self._servers: list[Server] = []

    def __enter__(self) -> Self:
        """Begin, with nothing there."""
        self._images = images_installed()
        self._images.__enter__()
        self._rights = rights_judged()
        self._rights.__enter__()
        moto_api_backend.reset()
        self._strict = (
            settings.EC2_ENABLE_INSTANCE_TYPE_VALIDATION,
            settings.ENABLE_AMI_VALIDATION,
            settings.INITIAL_NO_AUTH_ACTION_COUNT,
        )
        settings.EC2_ENABLE_INSTANCE_TYPE_VALIDATION = settings.ENABLE_AMI_VALIDATION = True
        self.clock = Clock(self._minute, self.lock)
        if isinstance(self.machines, NoBoot):
            self.machines.clock = self.clock
        self.life = Life(self.clock, self.machines, self.faults, self.lock)
        self._launcher = Launcher(self.life, self.capacity, self.quotas, self.faults)
        groups = GroupLauncher(self._launcher, self.capacity, self.prices)
        self.scaling = Scaling(self.clock, self.life, groups)
        self.stacks = Stacks(Inside(lambda: self.door.inside))
        self.door = Door(
            self.faults,
            self.lock,
            {
                "ec2": self._ec2,
                "iam": lambda: Iam(self.judge),
                "cloudformation": lambda: CloudFormation(self.stacks),
                "autoscaling": lambda: AutoScaling(self.scaling, self._launcher),
                "servicequotas": lambda: ServiceQuotas(self.quotas),
                "pricing": lambda: PriceList(self.prices),
                "ce": lambda: CostExplorer(self.bill),
            },
            {"CreateInstanceProfile": self._launcher.profile_made},
        )
        self.life.serving = self._serve
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        self._servers.append(Server(self.door, listening))
        self.url = self._servers[0].url
        self.machines.open(self.life)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all machines, and answer no more."""
        self.clock.close()
        self.machines.close()
        self.door.closing.set()
        for server in self._servers:
            server.close()
        (
            settings.EC2_ENABLE_INSTANCE_TYPE_VALIDATION,
            settings.ENABLE_AMI_VALIDATION,
            settings.INITIAL_NO_AUTH_ACTION_COUNT,
        ) = self._strict
        self._rights.__exit__(kind, error, trace)
        self._images.__exit__(kind, error, trace)
        if self.door.broken:
            raise self.door.broken[0]

    def enforce_iam(self) -> None:
        """From now on let policies and signatures decide who may do what (see rights.py)."""
        ActionAuthenticatorMixin.request_count = 0
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0

    def instance(self, instance_id: str) -> Kept:
        """The instance.

        Raises:
            LookupError: There is no such.
        """
        kept = self.life.find(instance_id)
        if kept is None:
            raise LookupError(f"There is no instance {instance_id}")
        return kept

    def interrupt(self, instance_id: str, *, notice: float = 120.0) -> None:
        """Take a Spot instance, after a notice of so many real seconds."""
        with self.lock:
            self.life.interrupt(self.instance(instance_id), notice)

    def living(self) -> list[Kept]:
        """All instances that cost money: a test ends with none."""
        return [kept for kept in self.life if kept.state not in {"terminated", "stopped"}]

    def _ec2(self) -> Ec2:
        return Ec2(
            self.life,
            self._launcher,
            self.faults,
            self.machines,
            prices=self.prices,
            tokens=self._tokens,
            clock=self.clock,
        )

    def _serve(self, listening: socket.socket) -> Callable[[], None]:
        server = Server(self.door, listening)
        self._servers.append(server)

        def close() -> None:
            self._servers.remove(server)
            server.close()

        return close
