"""Stays with a script that runs: hears the user, and sees to it that the task is still ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryoem_cloud.agent.condition import Ending
from cryoem_cloud.agent.run import Running
from cryoem_cloud.agent.take import Taken
from cryoem_cloud.agent.vigil import Ears
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.model.machine import HEARTBEAT_S
from cryoem_cloud.model.turn import Standing, standing
from cryoem_cloud.ports.clock import Clock

__all__ = ["TERM_GRACE_S", "Attendance"]

_LOOK_S = 0.5
_LISTEN_S = 1.5
"""Between requests for a wish: with the courier's look, a program hears of it within 3 s."""
TERM_GRACE_S = 10.0
"""Between TERM and KILL."""
_ABORT_GRACE_S = 60.0
"""Between a program's abort file and TERM."""


@dataclass(kw_only=True)
class Attendance:
    """While a script runs. `aborts` are the files that make its programs end by themselves.

    `wrong` is looked at like the task itself, every HEARTBEAT_S: why the script must not go on, ""
    while it may. `ends` is looked at often: whether what runs since then has to end for the
    machine's sake. Afterwards, `stopped` says that the user wanted an end before it came, `lost`
    that another machine has the task, `fault` what `wrong` said, `ending` what `ends` said.
    """

    taken: Taken
    ears: Ears
    clock: Clock
    aborts: Sequence[Path]
    wrong: Callable[[], str]
    ends: Callable[[float], Ending | None]
    stopped: bool = False
    lost: bool = False
    fault: str = ""
    ending: Ending | None = None
    _stages: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def until_ended(self, running: Running) -> None:
        """Listen until the script has ended, or is ended here."""
        began_s = looked_s = heard_s = self.clock.monotonic()
        while not running.ended(_LOOK_S):
            now_s = self.clock.monotonic()
            self.ending = self.ends(began_s)
            if self.ending is not None:
                _stop(running, gently=self.ending.taken_in_s is None)
                return
            if now_s - looked_s >= HEARTBEAT_S:
                looked_s = now_s
                self.lost, self.fault = not self._ours(), self.wrong()
                if self.lost or self.fault:
                    _stop(running, gently=False)
                    return
            if now_s - heard_s >= _LISTEN_S:
                heard_s = now_s
                self._hear(running, now_s)
            while self._stages and now_s >= self._stages[0][0]:
                self._stages.pop(0)[1]()
        self.fault = self.wrong()

    def _ours(self) -> bool:
        """Whether the claim still stands; yes while the store cannot say."""
        try:
            turns = self.taken.log.read()
        except StoreError:
            return True
        return standing(turns) is Standing.HELD and turns[-1].nonce == self.taken.claim.nonce

    def _hear(self, running: Running, now_s: float) -> None:
        """Plan what happens when, once the user wishes for an end."""
        wish = self.ears.wish()
        if wish is None:
            return
        self.stopped = True
        patience_s = 0.0
        if wish is Control.ABORT and self.aborts:
            for path in self.aborts:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            patience_s = _ABORT_GRACE_S
        self._stages = [
            (now_s + patience_s, running.terminate),
            (now_s + patience_s + TERM_GRACE_S, running.kill),
        ]


def _stop(running: Running, *, gently: bool) -> None:
    """End it: its programs are asked first, or not."""
    if gently:
        running.terminate()
        if running.ended(TERM_GRACE_S):
            return
    running.kill()
    running.ended(TERM_GRACE_S)
