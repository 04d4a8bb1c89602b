"""What a seed means: the job, its machines, its store, and what happens to them when."""

import random
from dataclasses import dataclass
from enum import Enum

from cryoem_cloud.courier.piecework.cutting import piece_sizes

__all__ = ["MOVIES", "Blow", "Kind", "Phase", "Plan", "StoreKind", "Strike", "Victim", "drawn"]

MOVIES = 4
_MOST_DEATHS = 8
"""Of machines in one run: ten in a row that have not worked are a failure by design."""


class Kind(Enum):
    """What the job is."""

    WHOLE = "whole"
    """One task, of which nothing is known: another machine begins it anew."""
    GOING_ON = "going on"
    """One task, with which another machine goes on."""
    PIECES = "pieces"
    MOTION = "motion"
    """RELION's motion correction, in pieces."""


class StoreKind(Enum):
    """Where the job's bytes lie; what is not a folder is behind a proxy that troubles requests."""

    FOLDER = "folder"
    WEED = "seaweedfs"
    MINISTACK = "ministack"


class Phase(Enum):
    """When something happens."""

    SENDING = "sending"
    CLAIMED = "claimed"
    """Between the claim of a task and the first page of the machine's journal."""
    RUNNING = "running"
    LAST = "last outputs"
    """While the last outputs are sent."""
    MANIFEST = "manifest"
    """Between a turn's manifest and its closing."""
    JOINING = "joining"
    PUBLISHING = "publishing"
    """Between the job's last turn and the index."""
    COMING = "coming home"
    WRITE = "write"
    """When any key of the job is written; of machines one that has a task then is struck."""


class Victim(Enum):
    """Whom it happens to; the machine is the one that the phase is about."""

    AGENT = "agent"
    MACHINE = "machine"
    """Its agent and all that the agent has started."""
    MACHINES = "machines"
    COURIER = "courier"
    PAIR = "courier and machine"
    ALL = "everything"
    STORE = "store"


class Blow(Enum):
    """What happens."""

    KILL = "kill"
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT after less than the death limit."""
    ZOMBIE = "zombie"
    """SIGSTOP, and SIGCONT after more than that."""
    FORGET = "forget"
    """SIGKILL, and its cache is thrown away."""
    AWAY = "away"
    """The store does not answer for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """The `nth` time that a machine is met in the phase, and `delay_s` later."""

    phase: Phase
    victim: Victim
    blow: Blow
    nth: int = 1
    delay_s: float = 0.0
    lasts_s: float = 0.0

    def __str__(self) -> str:
        after = f"+{self.delay_s:.1f}" if self.delay_s else ""
        lasts = f" {self.lasts_s:.0f}s" if self.lasts_s else ""
        return f"{self.blow.value} {self.victim.value}@{self.phase.value}#{self.nth}{after}{lasts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run. `noise` is the share of requests that are troubled on their way.

    Of writes whose key has `focus` in it, more are. A `chained` job is followed by another one,
    which goes on after it; with `later` it is that one's phases that count.
    """

    seed: int
    kind: Kind
    store: StoreKind
    machines: int
    pieces: int
    items: int
    nap_s: float
    large: bool
    chained: bool
    later: bool
    noise: float
    focus: str
    wake_after_s: float
    strikes: tuple[Strike, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many items each piece has; empty where there are none."""
        sizes = piece_sizes(self.items, machines=self.machines, item_s=60, wanted=self.pieces)
        return sizes if len(sizes) > 1 else ()

    def __str__(self) -> str:
        job = f"{self.kind.value} {self.items}/{max(1, len(self.sizes))} x{self.machines}"
        noise = f" noise {self.noise:.1%}" if self.noise else ""
        noise += f" at {self.focus}" if self.focus else ""
        large = " large" if self.large else ""
        large += " chained" if self.chained else ""
        large += ", the later" if self.later else ""
        return f"{job}{large} on {self.store.value}{noise}; " + ", ".join(map(str, self.strikes))


_STAGES = tuple(phase for phase in Phase if phase is not Phase.WRITE)
_UNCUT = tuple(phase for phase in _STAGES if phase is not Phase.JOINING)
_PHASES = {
    Kind.WHOLE: _UNCUT,
    Kind.GOING_ON: _UNCUT,
    Kind.PIECES: _STAGES,
    Kind.MOTION: _STAGES,
}
_FORGETS = 0.05
_CHAINS = 0.2
_WRITES = 0.35
_CUT = frozenset({Kind.PIECES, Kind.MOTION})
_NO_MACHINE = (Victim.COURIER, Victim.STORE)
_ANY = (
    *(Victim.AGENT,) * 3,
    *(Victim.MACHINE,) * 3,
    Victim.MACHINES,
    *(Victim.COURIER,) * 2,
    Victim.PAIR,
    Victim.ALL,
    Victim.STORE,
)
_FOCI = (
    *("",) * 8,
    *("/ready", "/tasks/", "/turns/", "/turns/main/", "/journal/", "@manifest", "/index/"),
    *("/end", "/deliver/", "/beat", "/gone", "/out/", "/mirror/"),
)
_ONCE = (Phase.SENDING, Phase.JOINING, Phase.PUBLISHING, Phase.COMING)


def drawn(seed: int, *, motion: bool = True, slow: bool = True) -> Plan:
    """The run of that seed; without RELION or zombies where these are not wanted."""
    dice = random.Random(f"chaos {seed}")
    kinds, weights = (Kind.WHOLE, Kind.GOING_ON, Kind.PIECES, Kind.MOTION), (2, 3, 9, 2)
    kind = dice.choices(kinds, weights)[0]
    store = dice.choices(tuple(StoreKind), (4, 4, 2))[0]
    zombie = dice.random() < 0.06
    machines = dice.choices((1, 2, 3, 4), (3, 4, 2, 1))[0]
    kind = kind if motion or kind is not Kind.MOTION else Kind.PIECES
    items = MOVIES if kind is Kind.MOTION else dice.randint(5, 16)
    cut = kind in _CUT
    if zombie and slow:
        machines = max(2, machines)
    chain = random.Random(f"chain {seed}")
    chained = kind is not Kind.MOTION and chain.random() < _CHAINS
    return Plan(
        seed=seed,
        kind=kind,
        store=store,
        machines=machines if cut or zombie else min(machines, 2),
        pieces=dice.randint(2, min(6, items)) if cut else 1,
        items=items,
        nap_s=round(dice.uniform(0, 0.5), 2),
        large=kind is not Kind.MOTION and dice.random() < 0.12,
        chained=chained,
        later=chained and chain.random() < 1 / 2,
        noise=0.0 if store is StoreKind.FOLDER else dice.choice((0.0, 0.005, 0.02, 0.06)),
        focus="" if store is StoreKind.FOLDER else random.Random(f"focus {seed}").choice(_FOCI),
        wake_after_s=round(dice.choice((0, 0, dice.uniform(0, 4))), 1),
        strikes=(
            *_strikes(dice, kind, machines, zombie=zombie and slow),
            *(_forgetting(random.Random(f"forget {seed}"), kind) if slow else ()),
            *_anywhere(random.Random(f"write {seed}")),
        ),
    )


def _anywhere(dice: random.Random) -> tuple[Strike, ...]:
    """Kills at writes of which nobody has thought."""
    if dice.random() >= _WRITES:
        return ()
    victims = (Victim.AGENT, Victim.MACHINE, Victim.COURIER, Victim.PAIR)
    nth = round(dice.triangular(1, 150, 20))
    return (Strike(phase=Phase.WRITE, victim=dice.choice(victims), blow=Blow.KILL, nth=nth),)


def _forgetting(dice: random.Random, kind: Kind) -> tuple[Strike, ...]:
    """A courier of another name has to see for a minute that nobody brings the job home."""
    if dice.random() >= _FORGETS:
        return ()
    phase = dice.choice(_PHASES[kind])
    return (Strike(phase=phase, victim=Victim.COURIER, blow=Blow.FORGET),)


def _strikes(dice: random.Random, kind: Kind, machines: int, *, zombie: bool) -> tuple[Strike, ...]:
    found: list[Strike] = []
    deaths = 0
    for number in range(dice.choices((1, 2, 3, 4), (4, 4, 2, 1))[0]):
        strike = _strike(dice, kind, zombie=zombie and number == 0)
        cost = machines if strike.victim in {Victim.MACHINES, Victim.ALL} else 1
        deaths += cost if strike.blow is Blow.KILL else 0
        if deaths <= _MOST_DEATHS:
            found.append(strike)
    return tuple(found)


def _strike(dice: random.Random, kind: Kind, *, zombie: bool) -> Strike:
    cut = kind in _CUT
    phase = dice.choice(_PHASES[kind])
    victim = dice.choice(_NO_MACHINE if phase is Phase.SENDING else _ANY)
    blow = dice.choices((Blow.KILL, Blow.PAUSE), (5, 1))[0]
    lasts_s = dice.uniform(2, 15) if blow is Blow.PAUSE else 0.0
    if victim is Victim.STORE:
        blow, lasts_s = Blow.AWAY, dice.uniform(1, 12)
    nth = 1 if phase in _ONCE or not cut else dice.choice((1, 1, 2, 3))
    delay_s = dice.choice((0.0, 0.0, dice.uniform(0, 0.1), dice.uniform(0, 1.5)))
    if zombie:
        phase = dice.choice((Phase.CLAIMED, Phase.RUNNING, Phase.LAST, Phase.MANIFEST))
        victim, blow, nth = dice.choice((Victim.AGENT, Victim.MACHINE)), Blow.ZOMBIE, 1
        delay_s, lasts_s = 0.0, dice.uniform(90, 115)
    return Strike(
        phase=phase,
        victim=victim,
        blow=blow,
        nth=nth,
        delay_s=round(delay_s, 2),
        lasts_s=round(lasts_s),
    )
