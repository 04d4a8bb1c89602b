"""What is reserved for fleets that should be gone: who frees it, and when."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.courier.money.overdue import free, settle_overdue
from cryoem_cloud.model.errors import ProviderUnreachableError, RefusedError
from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.ports.provider import Provider

from .ordering import Ordering, Priced, ordering

__all__ = ["ordering"]

MONTH = "2026-01"
LATE = datetime(2026, 1, 2, 1, 0, 1, tzinfo=UTC)
"""An hour after the limit of a fleet that is ordered at once."""


def unreachable(token: str) -> Fleet:
    raise ProviderUnreachableError(f"aws does not answer of {token}")


def test_a_reservation_whose_end_nobody_saw_is_released_after_its_limit(
    ordering: Ordering,
) -> None:
    ordering.run()
    log, ledger = ordering.budget, ordering.ledger
    assert not settle_overdue(log, ledger, LATE - timedelta(seconds=1), ordering.providers).freed
    assert settle_overdue(log, ledger, LATE, ordering.providers).freed == (ordering.token,)
    assert ordering.budget.read().months[MONTH] == Decimal("0.20")


def test_a_clock_that_is_ahead_frees_nothing_of_a_fleet_that_is_there(ordering: Ordering) -> None:
    """Another job's courier asks for money; its computer's clock is 26 h ahead."""
    told: list[str] = []

    def look() -> None:
        log, ledger = ordering.budget, ordering.ledger
        found = settle_overdue(log, ledger, LATE, ordering.providers)
        assert (found.freed, set(found.stays)) == ((), {ordering.token})
        with pytest.raises(RefusedError, match="its machines are still there"):
            free(log, ledger, LATE, ordering.providers, job=1, by="ada")
        told.extend(found.told())
        assert ordering.budget.read().held(MONTH) == Decimal("28.80")

    ordering.at(60, look)
    ordering.run()
    (line,) = told
    assert "its machines are still there" in line
    assert line.endswith("cryoem budget free 1")


def test_a_job_that_waits_says_what_is_held_by_fleets_that_should_be_gone(
    ordering: Ordering,
) -> None:
    """The clock was put right, or its machines are there in spite of their limit: nobody knows."""
    project = ordering.bench.slip.project.name
    other = token_of(project, 2, 1)
    long_ago = ordering.clock.now() - timedelta(hours=2)
    ordering.budget.reserve(other, {MONTH: Decimal(20)}, until=long_ago, by="bob")
    ordering.budget.set_limit(Decimal(40), by="ada")
    notes: list[str] = []

    def give_way() -> None:
        notes.append(ordering.bench.card().note)
        ordering.budget.set_limit(None, by="ada")

    ordering.at(60, give_way)
    ordering.run()
    assert "this may cost $28.80" in notes[0]
    assert f"{other} should have ended" in notes[0]
    assert "cryoem budget free 2" in notes[0]
    assert other in ordering.budget.read().reserved


@pytest.mark.parametrize("whose", ["another account's", "nobody's", "away", "another computer's"])
def test_what_nobody_here_can_ask_for_stays_reserved_until_a_user_frees_it(
    ordering: Ordering, whose: str
) -> None:
    ordering.run()
    other = Priced(ordering.bench, ordering.clock)
    asked: tuple[Provider, ...] = (other,)
    if whose == "another account's":
        other.store = "s3://elsewhere"
    elif whose == "nobody's":
        asked = ()
    elif whose == "away":
        other.look = unreachable  # type: ignore[method-assign]  # as its network is down
    else:
        other.sells = False
    log, ledger = ordering.budget, ordering.ledger
    found = settle_overdue(log, ledger, LATE, lambda: asked)
    assert (found.freed, set(found.stays)) == ((), {ordering.token})
    assert log.read().held(MONTH) == Decimal("28.80")
    assert free(log, ledger, LATE, lambda: asked, job=1, by="ada") == (ordering.token,)
    assert log.read().months[MONTH] == Decimal("0.20")
    assert free(log, ledger, LATE, lambda: asked, job=1, by="ada") == ()
