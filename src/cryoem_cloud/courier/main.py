"""The courier: an errand for every slip in the spool, each in a thread of its own."""

import logging
import threading
from dataclasses import dataclass, field
from functools import partial

from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.machines.sweep import sweep
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.mend import mend
from cryoem_cloud.courier.money.accounts import Accounts
from cryoem_cloud.model.errors import CryoemError

__all__ = ["Courier"]

_LOG = logging.getLogger(__name__)

_LOOK_S = 0.3
_IDLE_S = 20.0
"""How long a courier stays that has nothing to do: jobs often come one after another."""
_SWEEP_S = 10.0
"""Between looks for machines that outlive their jobs."""
_AGAIN_S = 20.0
"""Between two starts of the same errand."""


@dataclass
class Courier:
    """Does all errands of this computer's spool."""

    means: Means
    _threads: dict[str, threading.Thread] = field(default_factory=dict)
    _not_before_s: dict[str, float] = field(default_factory=dict)
    _accounts: Accounts = field(init=False)

    def __post_init__(self) -> None:
        self._accounts = Accounts(self.means)

    def run(self, *, stay: bool) -> None:
        """Do errands until there has been none for _IDLE_S, or for ever with `stay`."""
        clock, stopping = self.means.clock, self.means.stopping
        busy_s = swept_s = clock.monotonic()
        self._mend()
        while not stopping.wait(_LOOK_S):
            now_s = clock.monotonic()
            self._start_new(now_s)
            if now_s - swept_s >= _SWEEP_S:
                swept_s = now_s
                if self._sweep():
                    busy_s = now_s
            if self._threads:
                busy_s = now_s
            elif not stay and now_s - busy_s > _IDLE_S and not self._sweep():
                return
        for thread in self._threads.values():
            thread.join()

    def _start_new(self, now_s: float) -> None:
        for name, thread in list(self._threads.items()):
            if not thread.is_alive():
                del self._threads[name]
        for slip in self._slips():
            if slip.name not in self._threads and now_s >= self._not_before_s.get(slip.name, now_s):
                # A fault of ours ends that errand alone; its slip stays, and we try again later.
                self._not_before_s[slip.name] = now_s + _AGAIN_S
                thread = threading.Thread(target=self._errand, args=(slip,), name=slip.name)
                self._threads[slip.name] = thread
                thread.start()

    def _mend(self) -> None:
        try:
            mend(self.means)
        except OSError as error:
            _LOG.warning("damaged slips cannot be looked after: %s", error)

    def _sweep(self) -> bool:
        """Whether machines of jobs that have ended are there yet, for a while."""
        self._mend()
        try:
            providers = self.means.providers()
        except CryoemError as error:
            _LOG.warning("machines cannot be looked after: %s", error)
            return False
        left, now = False, self.means.clock.now()
        for provider in providers:
            settled = partial(self._accounts.settled, provider)
            try:
                left |= sweep(provider, self.means.cards.all(), now, settled)
            except CryoemError as error:
                _LOG.warning("machines of %s cannot be looked after: %s", provider.name, error)
        return left

    def _slips(self) -> tuple[Slip, ...]:
        try:
            return self.means.spool.slips()
        except CryoemError as error:
            _LOG.error("the spool cannot be read: %s", error)
            return ()

    def _errand(self, slip: Slip) -> None:
        cards = self.means.cards
        cards.add(Card.of_job(slip.job_here, slip.project))
        for card in cards.of_number(slip.job.number):
            if card.slip_name == slip.name:  # none, where a newer cryoem wrote it
                desk = CardDesk(card, cards, self.means.clock)
                try:
                    Errand(slip, self.means, desk).run()
                except CryoemError as error:  # it could not even begin; it does again later
                    _LOG.warning("job %d waits: %s", slip.job.number, error)
                    desk.trouble(error)
                except Exception as error:  # noqa: BLE001  (the thread's end: it would end unseen)
                    _LOG.exception("job %d waits", slip.job.number)
                    what = " ".join(f"{type(error).__name__}: {error}".split())
                    desk.note(
                        f"a bug of cryoem-cloud-tools: {what}; it is tried again every "
                        f"{_AGAIN_S:.0f} s (tell us: cryoem report)"
                    )
