"""Does what a plan says when its time has come."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.conftest import World
from tests.chaos.plan import Blow, Phase, Strike, Victim
from tests.chaos.sight import Place, Sight

__all__ = ["Striker"]

_SWEEPS = 20
_MACHINE = ("agent", "leash", "command")


@dataclass
class Striker:
    """Strikes a world. `away` has its store be away for some seconds, and returns then."""

    world: World
    sight: Sight
    away: Callable[[float], None]
    waiting: list[Strike]
    told: list[str] = field(default_factory=list)
    """The strikes that hit something."""
    faults: list[str] = field(default_factory=list)
    """What kept strikes from being done."""
    _met: dict[Phase, list[Place]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def look(self) -> None:
        """Strike where it is time to; at once, or from a thread of its own."""
        for strike, place in self._due():
            if strike.delay_s or strike.blow is not Blow.KILL:
                thread = threading.Thread(target=self._strike, args=(strike, place), daemon=True)
                self._threads.append(thread)
                thread.start()
            else:
                self._strike(strike, place)

    def rest(self) -> None:
        """Strike no more; returns when nothing is paused or away any more."""
        with self._lock:
            self.waiting.clear()
        for thread in self._threads:
            thread.join()

    def _due(self) -> Iterator[tuple[Strike, Place]]:
        with self._lock:
            due = []
            for phase in {strike.phase for strike in self.waiting}:
                met = self._met.setdefault(phase, [])
                there = self.sight.where(phase)
                met += [place for place in there if place not in met]
                if there:
                    due += [
                        (strike, there[0])
                        for strike in self.waiting
                        if strike.phase is phase and len(met) >= strike.nth
                    ]
            for strike, _ in due:
                self.waiting.remove(strike)
        yield from due

    def _strike(self, strike: Strike, place: Place) -> None:
        time.sleep(strike.delay_s)
        if strike.blow is Blow.AWAY:
            try:
                self.away(strike.lasts_s)
            except (AssertionError, OSError) as error:
                self.faults.append(f"{strike}: {error}")
            self.told.append(str(strike))
            return
        pids = self._victims(strike.victim, place.machine)
        if strike.blow in {Blow.KILL, Blow.FORGET}:
            self._kill(pids, children=strike.victim is not Victim.AGENT)
            if strike.blow is Blow.FORGET:
                shutil.rmtree(self.world.places.cache, ignore_errors=True)
        else:
            _send(pids, signal.SIGSTOP)
            time.sleep(strike.lasts_s)
            _send(pids, signal.SIGCONT)
        if pids:
            self.told.append(str(strike))

    def _kill(self, pids: list[int], *, children: bool) -> None:
        machines = {_machine_of(pid) for pid in pids} - {""}
        _send(pids, signal.SIGKILL)
        for _ in range(_SWEEPS if children else 0):  # what they had started meanwhile
            more = self._on(machines, "leash", "command")
            _send(more, signal.SIGKILL)
            if not more:
                return

    def _victims(self, victim: Victim, machine: str) -> list[int]:
        couriers = [process.pid for process in self.world.processes("courier")]
        everywhere = {folder.name for folder in self.world.machines()}
        alone = {
            Victim.AGENT: self._on({machine}, "agent"),
            Victim.MACHINE: self._on({machine}, *_MACHINE),
            Victim.MACHINES: self._on(everywhere, *_MACHINE),
            Victim.COURIER: couriers,
        }
        pairs = {Victim.PAIR: Victim.MACHINE, Victim.ALL: Victim.MACHINES}
        return [*couriers, *alone[pairs[victim]]] if victim in pairs else alone[victim]

    def _on(self, machines: set[str], *kinds: str) -> list[int]:
        found = self.world.processes(*kinds)
        return [process.pid for process in found if _machine_of(process.pid) in machines]


def _machine_of(pid: int) -> str:
    """The machine in whose folder a process works."""
    with suppress(OSError):
        cwd = Path(f"/proc/{pid}/cwd").readlink()
        return next((part for part in cwd.parts if part.startswith("local-")), "")
    return ""


def _send(pids: list[int], sig: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, sig)
