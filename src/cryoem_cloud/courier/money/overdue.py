"""Frees what is reserved for fleets whose hard limit has passed, once nothing of them is there.

That the limit has passed, a wall clock says, which may be wrong; so the provider is asked, and
where it cannot be, the reservation stays.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryoem_cloud.courier.known.tokens import attempt_of, job_of
from cryoem_cloud.courier.money.settling import fleet_of_token, spent_by
from cryoem_cloud.model.errors import CryoemError, RefusedError
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger

__all__ = ["Overdue", "free", "settle_overdue"]

_SPARE = timedelta(hours=1)
"""After a fleet's hard limit, by whichever clock: nothing of it is left then."""

Providers = Callable[[], Iterable[Provider]]


@dataclass(frozen=True, slots=True)
class Overdue:
    """What was `freed`, and why each other reservation stays whose time is over, by token."""

    freed: tuple[str, ...] = ()
    stays: Mapping[str, str] = field(default_factory=dict)

    def told(self) -> tuple[str, ...]:
        """What a user can do about what stays, a line for each fleet."""
        fleets = {fleet_of_token(token): why for token, why in self.stays.items()}
        return tuple(_told(fleet, why) for fleet, why in sorted(fleets.items()))


@dataclass(frozen=True, slots=True)
class _Answer:
    """Whether a fleet is `gone`, `there`, or neither is known; and why it counts as there."""

    gone: bool = False
    there: bool = False
    why: str = ""


def settle_overdue(log: BudgetLog, ledger: Ledger, now: datetime, providers: Providers) -> Overdue:
    """Put what they cost in the place of reservations of fleets that are not there any more.

    These are reservations whose time is over by this clock: nobody has seen such a fleet's end.
    """
    freed, stays = [], {}
    for token in _late(log, now):
        answer = _asked(ledger, fleet_of_token(token), providers)
        if answer.gone:
            log.release(token, spent_by(ledger, token), by="its limit")
            freed.append(token)
        else:
            stays[token] = answer.why
    return Overdue(tuple(freed), stays)


def free(
    log: BudgetLog, ledger: Ledger, now: datetime, providers: Providers, *, job: int, by: str
) -> tuple[str, ...]:
    """Free what is reserved for a job's fleets whose time is over, on somebody's word; which.

    Raises:
        RefusedError: A provider says that machines of it are there.
    """
    found = [token for token in _late(log, now) if _job(token) == job]
    for token in found:
        answer = _asked(ledger, fleet_of_token(token), providers)
        if answer.there:
            raise RefusedError(
                f"what is reserved for {fleet_of_token(token)} stays: {answer.why}",
                hint=f"cryoem stop {job} ends its machines; look at this computer's clock as well",
            )
    for token in found:
        log.release(token, spent_by(ledger, token), by=by)
    return tuple(found)


def _late(log: BudgetLog, now: datetime) -> list[str]:
    return [token for token, until in log.read().until.items() if until + _SPARE < now]


def _asked(ledger: Ledger, fleet: str, providers: Providers) -> _Answer:
    """What the provider says that the fleet was ordered from."""
    try:
        name = JobRecords(ledger.store, ledger.project, _job(fleet)).provider(attempt_of(fleet))
        asked = [
            each
            for each in providers()
            if each.name == name and each.store in {"", ledger.store.url}
        ]
        answers = [_said(each, fleet) for each in asked]
    except (CryoemError, OSError) as error:
        return _Answer(why=f"its provider could not be asked: {error}")
    nobody = _Answer(why=f"{name} cannot be asked from this computer")
    return next((each for each in answers if not each.gone), answers[0] if answers else nobody)


def _said(provider: Provider, fleet: str) -> _Answer:
    found = provider.look(fleet)
    if found.alive:
        return _Answer(there=True, why="its machines are still there")
    if found.spent:
        return _Answer(gone=True)
    if fleet in provider.tokens():
        return _Answer(there=True, why=f"{provider.name} may still start machines of it")
    if provider.sells:
        return _Answer(gone=True)
    return _Answer(why="it may run on another computer")  # which alone knows its own machines


def _told(fleet: str, why: str) -> str:
    return (
        f"{fleet} should have ended by this computer's clock, but {why}: what is reserved for it "
        "stays; look at the clock, and once its machines are gone: "
        f"cryoem budget free {_job(fleet)}"
    )


def _job(token: str) -> int:
    found = job_of(fleet_of_token(token))
    return found[1] if found else 0
