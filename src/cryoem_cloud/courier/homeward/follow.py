"""Follows a job's machines through their journals, and brings home what they tell."""

from collections.abc import Callable
from dataclasses import dataclass

from cryoem_cloud.courier.homeward.carrier import Carrier
from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.record import integer
from cryoem_cloud.model.turn import Deed, Standing, Turn, standing
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.turns import TurnLog

__all__ = ["Follower"]

_PAGES_A_LOOK = 50
"""So that a long journal does not keep the courier from listening to the user."""

_TURNS_S = 5.0
"""Between looks at who works on a task, while its machine says nothing of itself: every look is
a request that object stores charge for."""
_WATCH_S = 10.0
"""For so long after a machine's word every look is one at the turns too: it may be about to end."""


@dataclass(kw_only=True)
class Follower:
    """Follows one task of a job, whose place here is `home`.

    `told` hears what the machine says that it does now, `carrier` brings its large files, `heard`
    gets the pages with files.
    """

    records: JobRecords
    log: TurnLog
    home: Callable[[], Home]
    cache: Cache
    task: str
    told: Callable[[str], None]
    clock: Clock
    carrier: Carrier
    heard: Callable[[Page], None] = lambda _: None
    _turns: tuple[Turn, ...] = ()
    _turns_due_s: float = float("-inf")
    _watch_until_s: float = float("-inf")

    def look(self) -> Turn | None:
        """Bring home what is new; the turn that ended the task, once all before it is home.

        A request where nothing is new, and a second one every few seconds, or while the end is
        near. Only the last claim's machine is believed.
        """
        self.carrier.look()
        turns = self._turns_now()
        claims = [turn for turn in turns if turn.deed is Deed.CLAIM]
        if not claims:
            return None
        ended = standing(turns) in {Standing.DONE, Standing.FAILED}
        last = integer(turns[-1].detail, "pages", 0) if ended else None
        if not self._follow(claims[-1], last) or not ended:
            return None
        self.carrier.finish()
        return turns[-1]

    def _turns_now(self) -> tuple[Turn, ...]:
        now_s = self.clock.monotonic()
        if now_s >= self._turns_due_s:
            self._turns = self.log.read()
            quiet = standing(self._turns) is Standing.HELD and now_s >= self._watch_until_s
            self._turns_due_s = now_s + _TURNS_S if quiet else now_s
        return self._turns

    def _follow(self, claim: Turn, last: int | None) -> bool:
        """Take the pages that are there; whether that were all up to `last`."""
        project, job = self.records.project, self.records.number
        reader = f"{claim.holder}/{self.task}/{claim.number}"
        number = self.cache.page(project, job, reader)
        if number == 1:
            self.home().start_logs()
        for _ in range(_PAGES_A_LOOK):
            if last is not None and number > last:
                return True
            page = self.records.page(claim.holder, number)
            if page is None:
                return False
            if (page.task, page.turn) == (self.task, claim.number):
                self._take(page)
            number += 1
            self.cache.followed(project, job, reader, number)
        return False

    def _take(self, page: Page) -> None:
        for chunk in page.lines:
            self.home().add_lines(chunk)
        if page.files or page.small:
            self.carrier.place(self.home(), page)
            self.heard(page)
        if page.phase:
            self.told(page.phase)
            self._turns_due_s = self.clock.monotonic()
            self._watch_until_s = self._turns_due_s + _WATCH_S
