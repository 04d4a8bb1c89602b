"""What a seed means: a job at AWS, its machines, and what goes wrong with both.

The first seeds go through the faults one by one (`ALONE`); the others draw two to four of them.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

__all__ = ["ALONE", "Fault", "Kind", "Plan", "drawn"]


class Kind(Enum):
    """What goes wrong. Those with a call happen at one; others a while after the first claim."""

    COURIER_KILLED = "courier killed"
    """At a call of its own; it is woken later, as by the user's next command."""
    LAPTOP_GONE_AT = "laptop gone for ever"
    """At a call of its courier's."""
    LAPTOP_GONE = "laptop gone for ever, machines running"
    LAPTOP_GONE_SENT = "laptop gone for ever right after upload"
    LOST = "reply lost"
    THROTTLED = "throttled"
    BOOT_FAILS = "instance does not start"
    BOOT_HANGS = "instance hangs before its user-data"
    BOOT_STEP = "boot fails"
    AGENT_KILLED = "agent killed"
    AGENT_HUNG = "agent hung"
    MACHINE_KILLED = "machine killed"
    MACHINE_HUNG = "machine hung"
    STORE_AWAY = "store away from machines"
    SPOT_NOTICE = "Spot taken after a notice"
    SPOT_TAKEN = "Spot taken at once"
    NO_SPOT = "no Spot capacity"
    NO_CAPACITY = "no capacity for a while"
    NO_ACTIONS = "scheduled actions deleted"
    NO_GROUP = "group deleted"
    STALE_COURIER = "copy of the laptop wakes later"


ENDS_LATE = frozenset(
    {
        *(Kind.LAPTOP_GONE_AT, Kind.LAPTOP_GONE_SENT, Kind.LAPTOP_GONE, Kind.BOOT_HANGS),
        *(Kind.AGENT_HUNG, Kind.MACHINE_HUNG, Kind.STORE_AWAY, Kind.NO_ACTIONS, Kind.BOOT_STEP),
        *(Kind.THROTTLED, Kind.LOST, Kind.MACHINE_KILLED, Kind.SPOT_NOTICE),
    }
)
"""Where machines end by AWS's timers or by their own; else they leave in order.

A notice of Spot's is as long in real seconds as programs need, which are many simulated minutes.
"""
FOR_EVER_S = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    At the `nth` `call` of the `by` (AKIA: couriers, ASIA: machines), `done` says whether AWS has
    done it; `times` in a row. Others are `delay_s` real seconds after the first claim, or `lasts_s`
    long; `which` says what exactly.
    """

    kind: Kind
    call: str = ""
    nth: int = 1
    times: int = 1
    done: bool = True
    by: str = "AKIA"
    delay_s: float = 0.0
    lasts_s: float = 0.0
    which: str = ""

    def __str__(self) -> str:
        words = [self.kind.value]
        if self.call:
            whose = (
                ""
                if self.kind is not Kind.LOST
                else {"AKIA": "courier's ", "ASIA": "machine's "}[self.by]
            )
            words.append(f"{'after' if self.done else 'before'} {whose}{self.call}")
            words += [f"#{self.nth}"] if self.nth > 1 else []
            words += [f"x{self.times}"] if self.times > 1 else []
        if self.which:
            words.append(self.which)
        if self.lasts_s:
            words.append("for ever" if self.lasts_s >= FOR_EVER_S else f"for {self.lasts_s:.0f} s")
        return " ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run. A simulated minute lasts `minute_s`; `booted` machines run all of the user-data.

    One of these takes seconds to end, of which a busy computer needs more: an orderly end gets 10.
    """

    seed: int
    booted: bool
    machines: int
    pieces: int
    items: int
    nap_s: float
    minute_s: float
    wake_after_s: float
    faults: tuple[Fault, ...]

    def has(self, *kinds: Kind) -> bool:
        """Whether one of these is among what goes wrong."""
        return any(fault.kind in kinds for fault in self.faults)

    @property
    def gone(self) -> bool:
        """Whether the laptop is never seen again."""
        return self.has(Kind.LAPTOP_GONE, Kind.LAPTOP_GONE_AT, Kind.LAPTOP_GONE_SENT)

    @property
    def orderly(self) -> bool:
        """Whether machines are to be gone within five minutes."""
        return not self.has(*ENDS_LATE)

    def __str__(self) -> str:
        tier = "booted" if self.booted else "agents"
        return f"{tier} x{self.machines}; " + " + ".join(map(str, self.faults))


_ROLE = ("CreateRole", "AttachRolePolicy", "CreateInstanceProfile", "AddRoleToInstanceProfile")
_LAUNCH = (
    *((call, 1) for call in (*_ROLE, "CreateLaunchTemplate", "CreateAutoScalingGroup")),
    *(("PutScheduledUpdateGroupAction", 1), ("PutScheduledUpdateGroupAction", 2)),
    *(("SuspendProcesses", 1), ("UpdateAutoScalingGroup", 1), ("CreateTags", 1)),
)
_MACHINES_CALLS = (
    *("CreateTags", "PutScheduledUpdateGroupAction", "DeleteAutoScalingGroup"),
    "TerminateInstanceInAutoScalingGroup",
)
_STEPS = ("set-up fails", "set-up hangs", "no archive", "other archive", "AWS out of reach")


def _at_calls(kind: Kind) -> Iterator[tuple[Fault, ...]]:
    for call, nth in _LAUNCH:
        for done in (False, True):
            yield (Fault(kind=kind, call=call, nth=nth, done=done),)


def _alone() -> Iterator[tuple[Fault, ...]]:
    yield from _at_calls(Kind.COURIER_KILLED)
    for call, nth in _LAUNCH[4:]:
        yield (Fault(kind=Kind.LAPTOP_GONE_AT, call=call, nth=nth),)
    yield (Fault(kind=Kind.LAPTOP_GONE_SENT),)
    yield (Fault(kind=Kind.LAPTOP_GONE, delay_s=1.0),)
    for call, nth in _LAUNCH[4:]:
        for done in (False, True):
            yield (Fault(kind=Kind.LOST, call=call, nth=nth, done=done, times=5),)
    for call in _MACHINES_CALLS:
        yield (Fault(kind=Kind.LOST, call=call, by="ASIA", done=False, times=9),)
        yield (Fault(kind=Kind.LOST, call=call, by="ASIA", done=True, times=1),)
    yield (Fault(kind=Kind.THROTTLED, by="AKIA", times=30),)
    yield (Fault(kind=Kind.THROTTLED, by="ASIA", times=30),)
    yield (Fault(kind=Kind.BOOT_FAILS),)
    yield (Fault(kind=Kind.BOOT_FAILS, times=40),)
    yield (Fault(kind=Kind.BOOT_HANGS),)
    for step in _STEPS:
        yield (Fault(kind=Kind.BOOT_STEP, which=step),)
    for kind in _LATER:
        yield (Fault(kind=kind, delay_s=2.0),)
        yield (Fault(kind=kind, delay_s=5.0),)
    yield (Fault(kind=Kind.STORE_AWAY, delay_s=2.0, lasts_s=20.0),)
    yield (Fault(kind=Kind.STORE_AWAY, delay_s=2.0, lasts_s=FOR_EVER_S),)
    yield (Fault(kind=Kind.NO_SPOT),)
    yield (Fault(kind=Kind.NO_CAPACITY, lasts_s=25.0),)
    for which in ("lapse", "hard", "lapse and hard"):
        yield (Fault(kind=Kind.NO_ACTIONS, which=which, delay_s=1.0),)
    yield (Fault(kind=Kind.NO_ACTIONS, which="lapse", delay_s=1.0), _hung())
    yield (Fault(kind=Kind.NO_GROUP, delay_s=2.0),)
    for which in ("while it runs", "after its end", "and the first one is gone"):
        yield (Fault(kind=Kind.STALE_COURIER, which=which, delay_s=2.0),)


_LATER = (
    *(Kind.AGENT_KILLED, Kind.AGENT_HUNG, Kind.MACHINE_KILLED, Kind.MACHINE_HUNG),
    *(Kind.SPOT_NOTICE, Kind.SPOT_TAKEN),
)


def _hung() -> Fault:
    return Fault(kind=Kind.AGENT_HUNG, delay_s=2.0)


ALONE: tuple[tuple[Fault, ...], ...] = tuple(_alone())


def drawn(seed: int) -> Plan:
    """The run of that seed, from 1 on."""
    dice = random.Random(f"leaks {seed}")
    faults = ALONE[seed - 1] if seed <= len(ALONE) else _together(dice)
    steps = {fault.which for fault in faults if fault.kind is Kind.BOOT_STEP}
    others = any(fault.call == _MACHINES_CALLS[-1] for fault in faults)  # the last one deletes
    multi = seed > len(ALONE) or not any(fault.call for fault in faults)
    booted = bool(steps) or (seed % 12 == 0 and _bootable(faults))
    machines = dice.choice((1, 1, 2, 3)) if multi and not booted else 1
    machines = max(machines, 2) if others and not booted else machines
    orderly = not any(fault.kind in ENDS_LATE for fault in faults)
    return Plan(
        seed=seed,
        booted=booted,
        machines=machines,
        pieces=dice.randint(3, 6) if machines > 1 else 1,
        items=8,
        nap_s=1.0,
        minute_s=2.0 if booted and orderly else 1.0,
        wake_after_s=round(dice.uniform(0.5, 6), 1),
        faults=faults,
    )


def _bootable(faults: tuple[Fault, ...]) -> bool:
    ours = {Kind.AGENT_KILLED, Kind.AGENT_HUNG, Kind.STORE_AWAY}
    return not any(fault.kind in ours for fault in faults)


def _together(dice: random.Random) -> tuple[Fault, ...]:
    found = [_one(dice) for _ in range(dice.choice((2, 2, 3, 4)))]
    kinds = {fault.kind: fault for fault in found}
    gone = [kind for kind in kinds if kind.name.startswith("LAPTOP_GONE")]
    for kind in gone[1:]:
        del kinds[kind]
    return tuple(kinds.values())


def _one(dice: random.Random) -> Fault:
    kind = dice.choice([kind for kind in Kind if kind is not Kind.BOOT_STEP])
    call, nth = dice.choice(_LAUNCH)
    done, delay_s = dice.random() < 1 / 2, round(dice.uniform(0, 7), 1)
    fault = Fault(kind=kind, delay_s=delay_s)
    match kind:
        case Kind.COURIER_KILLED | Kind.LAPTOP_GONE_AT:
            fault = Fault(kind=kind, call=call, nth=nth, done=done)
        case Kind.LOST:
            by = dice.choice(("AKIA", "ASIA"))
            call, nth = (call, nth) if by == "AKIA" else (dice.choice(_MACHINES_CALLS), 1)
            times = dice.choice((1, 2, 5, 9))
            fault = Fault(kind=kind, call=call, nth=nth, by=by, done=done, times=times)
        case Kind.THROTTLED:
            fault = Fault(kind=kind, by=dice.choice(("AKIA", "ASIA")), times=dice.randint(5, 40))
        case Kind.BOOT_FAILS | Kind.BOOT_HANGS:
            fault = Fault(kind=kind, times=dice.choice((1, 1, 2)))
        case Kind.STORE_AWAY:
            fault = replace(fault, lasts_s=dice.choice((5.0, 15.0, 30.0, FOR_EVER_S)))
        case Kind.NO_CAPACITY:
            fault = Fault(kind=kind, lasts_s=float(dice.randint(5, 30)))
        case Kind.NO_ACTIONS:
            fault = replace(fault, which=dice.choice(("lapse", "lapse", "hard", "lapse and hard")))
        case Kind.STALE_COURIER:
            fault = replace(fault, which="while it runs")
    return fault
