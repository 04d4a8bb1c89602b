"""The examples in docs/reference/protocol.md are what the programs read and write."""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cryoem_cloud.model.carried import Carried
from cryoem_cloud.model.charge import Sighting
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.holding import Holding
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import PROTOCOL
from cryoem_cloud.model.task import Ready, pack_from_bytes, pack_to_bytes
from cryoem_cloud.model.turn import Turn, may_follow
from cryoem_cloud.model.usage import Usage
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.archive import ArchiveLog
from cryoem_cloud.stores.budget import Balance, approve
from cryoem_cloud.stores.budget import Entry as BudgetEntry
from cryoem_cloud.stores.ids import reserve_block
from cryoem_cloud.stores.index import IndexLog, entries_from_bytes, entries_to_bytes
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.nexts import Next

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "protocol.md"
PROJECT, JOB = "apoferritin-1a2b3c4d", 7


def examples() -> dict[str, list[bytes]]:
    """Every record on the page, by its kind."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if kind := re.search(r'\{"kind":"(\w+)","v":', line):
            found[kind[1]].append(line.encode())
    return found


SAME: dict[str, Callable[[bytes], bytes]] = {
    "job": lambda data: Job.from_bytes(data).to_bytes(),
    "tasks": lambda data: pack_to_bytes(pack_from_bytes(data)),
    "turn": lambda data: Turn.from_bytes(data).to_bytes(),
    "journal": lambda data: Page.from_bytes(data).to_bytes(),
    "entries": lambda data: entries_to_bytes(entries_from_bytes(data)),
    "next": lambda data: Next.from_bytes(data).to_bytes(),
    "sighting": lambda data: Sighting.from_bytes(data).to_bytes(),
    "measured": lambda data: Measured.from_bytes(data).to_bytes(),
    "usage": lambda data: Usage.from_bytes(data).to_bytes(),
    "holding": lambda data: Holding.from_bytes(data).to_bytes(),
    "carried": lambda data: Carried.from_bytes(data).to_bytes(),
    "budget": lambda data: BudgetEntry.from_bytes(data).to_bytes(),
    "project": lambda data: Project.from_bytes(data, store="", folder=Path("/")).to_bytes(),
}


@pytest.mark.parametrize("kind", SAME)
def test_examples_are_written_as_they_are_read(kind: str) -> None:
    for data in examples()[kind]:
        assert SAME[kind](data) == data


def test_the_turns_of_the_page_follow_each_other() -> None:
    turns = [Turn.from_bytes(data) for data in examples()["turn"]]
    assert len(turns) == 2
    assert all(may_follow(turns[:place], turn) for place, turn in enumerate(turns))


def test_the_budget_of_the_page_is_one() -> None:
    log = [BudgetEntry.from_bytes(data) for data in examples()["budget"]]
    assert [entry.number for entry in log] == [1, 2, 3, 4]
    assert [Balance.of(log[:n]).hard for n in (3, 4)] == [False, True]
    assert not Balance.of(log[:2]).refusal(log[1].months)
    assert Balance.of(log).months == log[2].months


def everything(store: Store) -> list[bytes]:
    return [store.get(item.key) for item in store.list("")]


def test_small_records_of_the_page_are_what_is_written() -> None:
    acts: dict[str, Callable[[JobRecords], object]] = {
        "control": lambda records: records.ask(Control.STOP),
        "extended": lambda records: records.extend(datetime(2026, 1, 2, 4, 0, 1, tzinfo=UTC)),
        "launch": lambda records: records.put_launch(1, "local", f"{PROJECT}-00000007-1", Launch()),
        "end": lambda records: records.put_end(Exit(outcome=Outcome.SUCCESS)),
        "approved": lambda records: approve(records.store, PROJECT, JOB, by="ada@workstation"),
        "ids": lambda records: reserve_block(records.store, "ada@workstation"),
    }
    for kind, act in acts.items():
        store = MemoryStore()
        act(JobRecords(store, PROJECT, JOB))
        assert everything(store) == examples()[kind], kind


def test_what_is_ready_is_written_as_on_the_page() -> None:
    records = JobRecords(MemoryStore(), PROJECT, JOB)
    written = []
    for ready in (Ready(1, 1), Ready(1, 8)):
        records.set_ready(ready)
        written += everything(records.store)
    assert written == examples()["ready"]


def test_index_records_of_the_page_are_what_is_written() -> None:
    store = MemoryStore()
    index = IndexLog(store, PROJECT)
    plain, manifest, removal = examples()["index"]
    said = json.loads(plain)
    index.append(said["origin"], [Entry.from_json(entry) for entry in said["entries"]])
    said = json.loads(manifest)
    index.append_manifest(said["origin"], said["manifest"], said["digest"])
    said = json.loads(removal)
    assert index.append_next(said["origin"], (), removed=said["removed"], after=2)
    assert everything(store) == [plain, manifest, removal]


def test_the_archive_records_of_the_page_are_what_is_written() -> None:
    store = MemoryStore()
    ArchiveLog(store, PROJECT).note(json.loads(examples()["archive"][0])["keys"])
    assert everything(store) == examples()["archive"]


def test_the_page_has_every_kind_and_this_version() -> None:
    found = examples()
    sources = Path(__file__).parent.parent.parent / "src" / "cryoem_cloud"
    written = {
        kind
        for source in (*sources.glob("model/*.py"), *sources.glob("stores/*.py"))
        for kind in re.findall(r'(?<!\.)encode\(\s*"(\w+)"', source.read_text(encoding="utf-8"))
    }
    assert written == set(found)
    lines = b"".join(line for lines in found.values() for line in lines)
    versions = set(map(int, re.findall(rb'"v":(\d+)', lines)))
    assert versions == set(range(1, PROTOCOL + 1))
    assert f"Version {PROTOCOL}." in PAGE.read_text(encoding="utf-8")
