"""The ledger, where a machine or a stranger has written into it: nothing of theirs is taken."""

from decimal import Decimal

import pytest

from cryoem_cloud.courier.money.costs import costs_text
from cryoem_cloud.model.keys import carried_key, holding_key, sighting_key, usage_key
from cryoem_cloud.model.record import JSON, encode
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.memory import MemoryStore

PROJECT = "lab-0a1b2c3d"
SIGHTING = {
    "machine": "i-1",
    "job": 7,
    "witness": "courier",
    "since": "2026-11-01T00:00:00Z",
    "until": "2026-11-01T01:00:00Z",
    "usd_per_hour": "1",
    "price": "a list",
}
USAGE = {
    "asker": "agent-1",
    "job": 7,
    "month": "2026-11",
    "writes": 1000,
    "reads": 0,
    "restores": 0,
    "home_bytes": 0,
    "usd_per_gb": "0.09",
    "usd_per_1000_writes": "1",
    "usd_per_1000_reads": "0",
    "usd_per_1000_restores": "0",
}
HOLDING = {"day": "2026-11-30", "bytes": {"A": 2**30}, "usd_per_gb_month": {"A": "30"}}
CARRIED = {"job": 7, "at": "2026-11-01T00:00:00Z", "bytes": 2**30, "usd_per_gb": "1"}
GOOD: dict[str, dict[str, JSON]] = {
    "sighting": SIGHTING,
    "usage": USAGE,
    "holding": HOLDING,
    "carried": CARRIED,
}
"""Each of a dollar."""


def key_of(kind: str, writer: str = "c-1") -> str:
    return {
        "sighting": sighting_key(PROJECT, 7, "i-1", writer=writer, at="20261101T010000Z"),
        "usage": usage_key(PROJECT, 7, "agent-1", month="2026-11", number=1),
        "holding": holding_key(PROJECT, "2026-11-30"),
        "carried": carried_key(PROJECT, 7, "c-1"),
    }[kind]


def cost(kind: str, *, writer: str = "c-1", **odd: JSON) -> Decimal:
    """What a ledger with one such record says; all that is said of it can be said."""
    store = MemoryStore()
    store.put(key_of(kind, writer), encode(kind, {**GOOD[kind], **odd}))
    charges = Ledger(store, PROJECT).charges()
    assert not charges or costs_text(PROJECT, charges).encode()
    return round(sum((charge.usd or Decimal(0) for charge in charges), Decimal(0)), 6)


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_record_counts(kind: str) -> None:
    assert cost(kind) == 1


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        ("sighting", {"until": "9999-12-31T23:59:59Z"}),
        ("sighting", {"since": "0001-01-01T00:00:00Z"}),
        ("sighting", {"limit_s": 10**30}),
        ("sighting", {"limit_s": -1}),
        ("sighting", {"usd_per_hour": "-1000"}),
        ("sighting", {"usd_per_hour": "1e15"}),
        ("sighting", {"disk_gib": 10**40, "disk_usd": "0.08"}),
        ("sighting", {"disk_gib": -1, "disk_usd": "0.08"}),
        ("sighting", {"least_s": 10**40}),
        ("sighting", {"job": 8}),
        ("usage", {"writes": 10**40}),
        ("usage", {"home_bytes": -1}),
        ("usage", {"usd_per_1000_writes": "-1"}),
        ("usage", {"job": 8}),
        ("holding", {"day": "9999-12-31"}),
        ("holding", {"day": "2026-11-29"}),
        ("holding", {"bytes": {"A": 10**60}}),
        ("holding", {"usd_per_gb_month": {"A": "-30"}}),
        ("carried", {"bytes": -(2**30)}),
        ("carried", {"bytes": 10**60}),
    ],
)
def test_what_cannot_be_is_left_out_and_stops_nobody(kind: str, odd: dict[str, JSON]) -> None:
    assert cost(kind, **odd) == 0


def test_only_who_has_the_key_speaks_for_a_provider() -> None:
    assert cost("sighting", writer="provider", witness="provider") == 1
    assert cost("sighting", writer="agent", witness="provider") == 0


def test_a_machine_does_not_say_what_it_costs() -> None:
    assert cost("sighting", writer="agent", witness="agent") == 0
