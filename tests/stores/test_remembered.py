"""A ledger whose records were read before is summed without reading them again, and to the same."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cryoem_cloud.model.charge import Rate, Sighting, Witness
from cryoem_cloud.model.keys import usage_key
from cryoem_cloud.model.record import PROTOCOL, encode
from cryoem_cloud.stores.held import Held
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.remembered import Remembered

PROJECT = "lab-0a1b2c3d"
START = datetime(2026, 11, 1, tzinfo=UTC)
FIVE = Decimal(5)
ODD = usage_key(PROJECT, 7, "agent-1", month="2026-11", number=1)


class Asked(Held):
    """Writes down which keys are read."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.keys: list[str] = []

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        self.keys.append(key)
        return super().get(key, start=start, length=length)


class Office:
    """A store, and a computer that sums up what lies there."""

    def __init__(self, top: Path) -> None:
        self.memory = MemoryStore()
        self.store, self.cache = Asked(self.memory), top / "ledgers"

    def see(self, minutes: int) -> None:
        """A courier has seen a machine so long after its start."""
        seen = Sighting(
            machine="i-1",
            job=7,
            witness=Witness.COURIER,
            since=START,
            until=START + timedelta(minutes=minutes),
            rate=Rate(usd_per_hour=Decimal(60), source="a list"),
        )
        Ledger(self.memory, PROJECT).put(seen, "courier-1")

    def sum(self) -> tuple[Decimal, int]:
        """In dollars, and how many records were read for it."""
        self.store.keys.clear()
        charges = Ledger(self.store, PROJECT, Remembered(self.cache)).charges()
        return sum((each.usd or Decimal(0) for each in charges), Decimal(0)), len(self.store.keys)

    @property
    def file(self) -> Path:
        (found,) = self.cache.glob("*.sqlite")
        return found

    def rows(self) -> Iterator[str]:
        with closing(sqlite3.connect(self.file)) as db:
            yield from (key for (key,) in db.execute("select key from record"))

    def change(self, said: str) -> None:
        with closing(sqlite3.connect(self.file)) as db, db:
            db.execute(said)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    found = Office(tmp_path)
    found.see(0)
    found.see(5)
    return found


def test_what_was_read_is_not_read_again(office: Office) -> None:
    assert office.sum() == (FIVE, 2)
    assert office.sum() == (FIVE, 0)
    office.see(7)
    assert office.sum() == (Decimal(7), 1)


def test_what_is_not_needed_any_more_is_not_kept(office: Office) -> None:
    office.sum()
    office.see(7)
    office.sum()
    assert sorted(key.rpartition("/")[2] for key in office.rows()) == [
        "20261101T000000Z",
        "20261101T000700Z",
    ]


def test_what_the_store_does_not_have_does_not_count(office: Office) -> None:
    office.sum()
    for item in list(office.memory.list(f"{PROJECT}/ledger/")):
        office.memory.delete(item.key)
    assert office.sum() == (Decimal(0), 0)


@pytest.mark.parametrize(
    "said",
    [
        "update record set data = cast(replace(cast(data as text), '60', '61') as blob)",
        "update record set data = x''",
        "update record set sum = null",
        "update record set data = 7",
        "update record set key = cast(x'ff' as text) where key like '%T000500Z'",
        "delete from record",
        "pragma user_version = 2",
        "drop table record",
    ],
)
def test_records_that_are_not_as_they_were_read_are_read_anew(office: Office, said: str) -> None:
    office.sum()
    office.change(said)
    assert office.sum() == (FIVE, 2)
    assert office.sum() == (FIVE, 0)


@pytest.mark.parametrize("data", [b"", b"no database", b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_none_is_made_anew(office: Office, data: bytes) -> None:
    office.sum()
    office.file.write_bytes(data)
    assert office.sum() == (FIVE, 2)
    office.sum()
    assert office.sum() == (FIVE, 0)


def test_a_record_that_cannot_be_read_now_is_asked_for_each_time(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A newer version may have written it: this one can be updated."""
    caplog.set_level(logging.CRITICAL)
    office.memory.put(ODD, b"no record")
    assert office.sum() == (FIVE, 3)
    assert office.sum() == (FIVE, 1)


def test_what_a_newer_version_has_read_here_is_left_out_as_it_is_in_the_store(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    newer = encode("usage", {}, version=PROTOCOL + 1)
    office.memory.put(ODD, newer)
    office.sum()
    items = list(office.memory.list(""))
    Remembered(office.cache).keep(office.store.url, PROJECT, {ODD: newer}, among=items)
    assert office.sum() == (FIVE, 0)


def test_projects_and_stores_are_kept_apart(office: Office) -> None:
    office.sum()
    kept, items = Remembered(office.cache), list(office.memory.list(""))
    assert len(kept.records(office.store.url, PROJECT, items)) == 2
    assert kept.records("s3://elsewhere", PROJECT, items) == {}
    assert kept.records(office.store.url, "other-0a1b2c3d", items) == {}


def test_a_place_that_takes_nothing_costs_time_and_no_more(office: Office) -> None:
    office.cache.write_bytes(b"a file, where a folder should be")
    assert office.sum() == (FIVE, 2)
    assert office.sum() == (FIVE, 2)
