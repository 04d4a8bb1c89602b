"""Has a plan's faults happen: at calls of AWS, or to machines a while after the claim."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from botocore.exceptions import ClientError

from cryoem_cloud.testing.proxy import FaultyProxy, Trouble
from tests.acceptance.conftest import World
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.faults import What
from tests.ec2sim.refusals import Refusal
from tests.leaks.account import Leased
from tests.leaks.machines import AgentMachines
from tests.leaks.plan import FOR_EVER_S, Fault, Kind, Plan
from tests.leaks.watch import Watch

__all__ = ["Striker"]

_NOTICE_S = 25.0
_AT_CALLS = frozenset({Kind.COURIER_KILLED, Kind.LAPTOP_GONE_AT, Kind.LOST})
_FROM_THE_START = frozenset(
    {Kind.THROTTLED, Kind.BOOT_FAILS, Kind.BOOT_HANGS, Kind.NO_SPOT, Kind.NO_CAPACITY}
)

_EARLY = _AT_CALLS | _FROM_THE_START | {Kind.LAPTOP_GONE_SENT, Kind.BOOT_STEP}


@dataclass
class Striker:
    """`hits` are what has happened; `gone` that the laptop is never seen again."""

    plan: Plan
    leased: Leased
    watch: Watch
    world: World
    proxy: FaultyProxy
    hits: list[str] = field(default_factory=list)
    gone: bool = False
    twin: World | None = None
    _timers: list[threading.Timer] = field(default_factory=list)

    def arm(self) -> None:
        """From now on they happen."""
        self.watch.claimed, self.watch.sent = self._claimed, self._sent
        for fault in self.plan.faults:
            if fault.kind in _AT_CALLS:
                self._at_call(fault)
            elif fault.kind in _FROM_THE_START:
                self._from_the_start(fault)
            elif fault.which == "AWS out of reach":
                self.watch.running = partial(self._sever, fault)
            elif fault.kind is Kind.BOOT_STEP:
                self.hits.append(str(fault))

    def rest(self) -> None:
        """Nothing happens any more."""
        for timer in self._timers:
            timer.cancel()
            timer.join()

    def go(self) -> None:
        """The laptop is gone for ever; its user had just handed the job in."""
        self.gone = True
        self.world.kill("courier")

    def _at_call(self, fault: Fault) -> None:
        do = {Kind.COURIER_KILLED: lambda: self.world.kill("courier"), Kind.LAPTOP_GONE_AT: self.go}
        act = do.get(fault.kind, lambda: None)
        self.leased.cloud.faults.plan(
            What.LOST_AFTER if fault.done else What.LOST_BEFORE,
            fault.call,
            times=fault.times,
            after=fault.nth - 1,
            by=fault.by,
            then=lambda: self._hit(fault, act),
        )

    def _from_the_start(self, fault: Fault) -> None:
        cloud = self.leased.cloud
        match fault.kind:
            case Kind.THROTTLED:
                hit: Callable[[], None] = lambda: self._hit(fault, lambda: None)  # noqa: E731
                cloud.faults.plan(
                    What.THROTTLED, "*", times=fault.times, chance=0.5, by=fault.by, then=hit
                )
                return
            case Kind.BOOT_FAILS:
                cloud.faults.fail_boots(fault.times)
            case Kind.BOOT_HANGS:
                cloud.faults.hang_boots(fault.times)
            case Kind.NO_SPOT:
                cloud.capacity.limit(0, market="spot")
            case Kind.NO_CAPACITY:
                cloud.capacity.limit(0)
                self._after(fault.lasts_s, self._restore)
        self.hits.append(str(fault))

    def _sever(self, fault: Fault, name: str) -> None:
        """The first machine has no network."""
        machines = self.leased.cloud.machines
        if str(fault) not in self.hits and isinstance(machines, BootedMachines):
            self._hit(fault, lambda: machines.network.sever(name))

    def _restore(self) -> None:
        self.leased.cloud.capacity.restore()
        if self.plan.has(Kind.NO_SPOT):
            self.leased.cloud.capacity.limit(0, market="spot")

    def _sent(self) -> None:
        for fault in self.plan.faults:
            if fault.kind is Kind.LAPTOP_GONE_SENT:
                self._hit(fault, self.go)

    def _claimed(self) -> None:
        for fault in self.plan.faults:
            if fault.kind not in _EARLY:
                self._after(fault.delay_s, partial(self._later, fault))

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, do)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _hit(self, fault: Fault, do: Callable[[], object]) -> None:
        if str(fault) not in self.hits:
            self.hits.append(str(fault))
        do()

    def _later(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.LAPTOP_GONE:
                self._hit(fault, self.go)
            case Kind.STORE_AWAY:
                self._hit(fault, lambda: self._be_away(fault.lasts_s))
            case Kind.NO_ACTIONS | Kind.NO_GROUP:
                self._hit(fault, lambda: self._delete(fault))
            case Kind.STALE_COURIER:
                self._hit(fault, lambda: self._copy(fault))
            case _:
                self._at_machine(fault)

    def _at_machine(self, fault: Fault) -> None:
        free = [name for name in self.watch.living if not self.watch.lives[name].struck]
        if not free:
            return
        name = free[0]
        with suppress(ValueError, Refusal, LookupError, OSError):  # it is gone, or no Spot machine
            self._strike(fault.kind, name)
            self.watch.lives[name].struck = True
            self._hit(fault, lambda: None)

    def _strike(self, kind: Kind, name: str) -> None:
        cloud, machines = self.leased.cloud, self.leased.cloud.machines
        if kind in {Kind.SPOT_NOTICE, Kind.SPOT_TAKEN}:
            cloud.interrupt(name, notice=_NOTICE_S if kind is Kind.SPOT_NOTICE else 0.0)
        elif isinstance(machines, BootedMachines):
            (machines.crash if kind is Kind.MACHINE_KILLED else machines.hang)(name)
        elif isinstance(machines, AgentMachines):
            {
                Kind.AGENT_KILLED: machines.kill_agent,
                Kind.AGENT_HUNG: machines.hang_agent,
                Kind.MACHINE_KILLED: machines.crash,
                Kind.MACHINE_HUNG: machines.freeze,
            }[kind](name)

    def _be_away(self, seconds: float) -> None:
        for name in self.watch.living:
            self.watch.lives[name].struck = True
        self.proxy.rule = lambda _: Trouble(reset=True)
        if seconds < FOR_EVER_S:
            self._after(seconds, self._be_back)

    def _be_back(self) -> None:
        self.proxy.rule = None

    def be_back_for_later_machines(self) -> None:
        """Where the store is away for ever, it is so for the machines that are there."""
        self._be_back()

    def _delete(self, fault: Fault) -> None:
        autoscaling = self.leased.lab.client("autoscaling")
        for group in autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
            name = group["AutoScalingGroupName"]
            with suppress(ClientError):
                if fault.kind is Kind.NO_GROUP:
                    for life in self.watch.lives.values():
                        life.struck = True
                    autoscaling.delete_auto_scaling_group(
                        AutoScalingGroupName=name, ForceDelete=True
                    )
                    continue
                for action in fault.which.split(" and "):
                    autoscaling.delete_scheduled_action(
                        AutoScalingGroupName=name, ScheduledActionName=action
                    )

    def _copy(self, fault: Fault) -> None:
        self.twin = self.leased.copied(self.world, "copy")
        if fault.which == "and the first one is gone":
            self.world.kill()
            self.gone = True
        elif fault.which == "while it runs":
            self.twin.wake()
