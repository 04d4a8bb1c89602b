"""Sees what happens in an account: instances begin and end, and machines of a job make progress.

Times are simulated seconds. Progress is a page of a machine's journal: every log line, every file
and every step of a task comes with one.
"""

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from cryoem_cloud.providers.aws.names import STATE, TOKEN
from tests.ec2sim.instances import Kept
from tests.leaks.account import Leased

__all__ = ["Life", "Watch"]

_LOOK_S = 0.1
_PAGE = re.compile(r"machines/(?P<machine>[^/]+)/journal/\d+")
_LIVING = ("pending", "running")
FRESH_S = 45 * 60.0


@dataclass
class Life:
    """Of one instance; `killed` says that it was ended while it worked, and not by itself."""

    token: str
    began: float
    ended: float | None = None
    progress: list[float] = field(default_factory=list)
    killed: str = ""
    struck: bool = False


@dataclass
class Watch:
    """`claimed` is called once, at the first turn; `sent` when the job's inputs are there.

    `running` is told of each machine that has started; it must not wait.
    """

    leased: Leased
    claimed: Callable[[], None] = lambda: None
    sent: Callable[[], None] = lambda: None
    running: Callable[[str], None] = lambda _: None
    lives: dict[str, Life] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Look from now on."""
        self.leased.cloud.life.on_change(self._changed)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def now(self) -> float:
        """The simulator's clock."""
        return self.leased.cloud.clock.now()

    @property
    def job_ended(self) -> bool:
        """Whether the store says so."""
        return any(key.endswith("/end") for key in self.keys)

    @property
    def last_progress(self) -> float:
        """Of any machine; 0 before there was any."""
        return max((at for life in self.lives.values() for at in life.progress), default=0.0)

    @property
    def living(self) -> list[str]:
        """What costs money, those first that have shown progress."""
        ours = [kept.id for kept in self.leased.cloud.living()]
        return sorted(ours, key=lambda name: not self._life_of(name).progress)

    def outlived(self) -> dict[str, float]:
        """For each machine that has ended, minutes from its fleet's last progress to its end.

        Of a fleet without progress they count from the machine's beginning.
        """
        found = {}
        for name, life in self.lives.items():
            if life.ended is None:
                continue
            fleet = [each for each in self.lives.values() if each.token == life.token]
            signs = [at for each in fleet for at in each.progress if at <= life.ended]
            found[name] = (life.ended - max([life.began, *signs])) / 60
        return found

    def _life_of(self, name: str) -> Life:
        return self.lives.get(name) or Life("", 0.0)

    def _changed(self, kept: Kept) -> None:
        if kept.id not in self.lives:
            self.lives[kept.id] = Life(str(kept.tags.get(TOKEN, "")), self.now)
        life = self.lives[kept.id]
        life.token = life.token or str(kept.tags.get(TOKEN, ""))
        if kept.state == "running":
            self.running(kept.id)
        if kept.state == "shutting-down":
            self._judge(kept, life)
        if kept.state == "terminated" and life.ended is None:
            life.ended = self.now

    def _judge(self, kept: Kept, life: Life) -> None:
        reason = str(kept.record.state_reason.code)
        by_itself = kept.tags.get(STATE) in {"left", "failed"} or life.struck
        fresh = bool(life.progress) and self.now - life.progress[-1] < FRESH_S
        if by_itself or not fresh or any(key.endswith("/end") for key in self.leased.listed()):
            return
        if reason == "Client.UserInitiatedShutdown":
            ago = (self.now - life.progress[-1]) / 60
            life.killed = f"{kept.id} was ended {ago:.0f} min after its last progress"

    def _run(self) -> None:
        while not self._over.wait(_LOOK_S):
            with suppress(RuntimeError):
                self._look()

    def _look(self) -> None:
        fresh = set(self.leased.listed()) - self.keys
        self.keys |= fresh
        for key in fresh:
            if (found := _PAGE.search(key)) and found["machine"] in self.lives:
                self.lives[found["machine"]].progress.append(self.now)
        self._tell("sent", self.sent, any(key.endswith("/ready") for key in fresh))
        self._tell("claimed", self.claimed, any("/turns/" in key for key in fresh))

    def _tell(self, what: str, do: Callable[[], None], happened: bool) -> None:  # noqa: FBT001
        if happened and what not in self.told:
            self.told.add(what)
            do()
