"""How it is with the machine itself: idle, at its job's limit, or about to be taken."""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from cryoem_cloud.agent.idle import Idleness, Sample, sampled
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.machine_self import Limits, MachineSelf, Notice

__all__ = ["Condition", "Ending", "ending_of"]

_LOG = logging.getLogger(__name__)

_LOOK_S = 5.0
"""Between looks for a notice: what EC2's user guide recommends."""
_SAMPLE_S = 60.0
"""Between looks at processors and GPUs."""
_ASK_S = 600.0
"""Between looks whether the job's limit was put off: they are requests."""
_ASK_AT_LIMIT_S = 20.0
_AT_LIMIT_S = 120.0
_RESERVE_S = 45.0
"""Before a machine is taken its program is stopped, to have its last whole files sent."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a program is not to go on.

    With `taken_in_s` its task goes on elsewhere: the machine is taken in so many seconds.
    """

    reason: str
    taken_in_s: float | None = None


def ending_of(limits: Limits, *, idle_s: float, taken_in_s: float | None) -> Ending | None:
    """Whether what runs on a machine has to end now, and why."""
    if taken_in_s is not None and taken_in_s <= _RESERVE_S:
        return Ending("the machine was taken away", taken_in_s)
    if limits.left_s <= 0:
        hours = f"{limits.whole_s / 3600:.3g}"
        return Ending(
            f"reached its limit of {hours} h (run it again with --max-hours, or use cryoem extend "
            "in time)"
        )
    if idle_s >= limits.idle_s:
        return Ending(
            f"processors, GPUs and network did nothing for {limits.idle_s / 60:.0f} min "
            "(the program seems to hang)"
        )
    return None


class Condition:
    """What a thread finds out about the machine, while it is entered.

    It also tells the provider that tasks progress: where `progressed` was called, where much is
    sent or received, as before a program starts, and, while `use_counts`, where processors or GPUs
    are used. `extended` says until when the job's machines may be there, where somebody put that
    off.
    """

    def __init__(
        self,
        myself: MachineSelf,
        clock: Clock,
        *,
        extended: Callable[[], datetime | None] = lambda: None,
        sample: Callable[[float], Sample] = sampled,
    ) -> None:
        self._myself = myself
        self._clock = clock
        self._extended = extended
        self._asked_s = -math.inf
        self._sample = sample
        self._idleness = Idleness()
        self._sampled_s = -math.inf
        self._progressed = False
        self._taken_s: float | None = None
        self.use_counts = False
        """What runs may say nothing for long, and works nevertheless."""
        self.in_danger = False
        """The provider recommends to leave: what can be saved is to be saved now."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="condition", daemon=True)

    def __enter__(self) -> Self:
        """Look by itself from now on."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look no more."""
        self._stopped.set()
        self._thread.join()

    @property
    def taken(self) -> bool:
        """Whether the machine is about to be taken: nothing is to be begun on it any more."""
        return self._taken_s is not None

    def progressed(self) -> None:
        """Note that the task progresses; the provider is told in time."""
        self._progressed = True

    def ending(self, since_s: float) -> Ending | None:
        """Whether a program that has run since then has to end now, and why; no request."""
        left_s = None if self._taken_s is None else self._taken_s - self._clock.monotonic()
        idle_s = self._idleness.idle_s(since_s)
        return ending_of(self._myself.limits(), idle_s=idle_s, taken_in_s=left_s)

    def look(self) -> None:
        """Once; the thread does it every 5 s."""
        now_s = self._clock.monotonic()
        self._heed(self._myself.notice(), now_s)
        self._hear_of_more_time(now_s)
        if now_s - self._sampled_s >= _SAMPLE_S and self._myself.limits().idle_s < math.inf:
            self._sampled_s = now_s
            moved = self._idleness.look(self._sample(now_s))
            self._progressed |= moved or (self.use_counts and self._idleness.works)
        if self._progressed:
            self._progressed = False
            self._myself.progressed()

    def _heed(self, notice: Notice | None, now_s: float) -> None:
        if notice is None:
            return
        if not self.in_danger:
            _LOG.warning("the provider may take this machine: %s", notice)
        self.in_danger = True
        if notice.within_s is not None:
            self._taken_s = now_s + notice.within_s

    def _hear_of_more_time(self, now_s: float) -> None:
        left_s = self._myself.limits().left_s
        pause_s = _ASK_S if left_s > _AT_LIMIT_S else _ASK_AT_LIMIT_S
        if left_s == math.inf or now_s - self._asked_s < pause_s:
            return
        self._asked_s = now_s
        until = self._extended()
        if until is not None:
            self._myself.extend(until)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._stopped.wait(_LOOK_S)
