"""What a sender makes of outputs that it cannot read, and where a journal goes on."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cryoem_cloud.agent.close import as_sent
from cryoem_cloud.agent.engines import Engines
from cryoem_cloud.agent.outputs import Found, Outputs
from cryoem_cloud.agent.send import Desk, Sender
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Stamp
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.mover.pull import fetch_bytes
from cryoem_cloud.mover.settling import QUIET_S
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.clock import StoppedClock

_LARGE = bytes(100_000)


def sender(root: Path, clock: StoppedClock, engines: Engines | None = None) -> Sender:
    records = JobRecords(MemoryStore(), "p-00000000", 1)
    desk = Desk(records=records, machine="m", task="main", turn=1, root=root, logs={})
    (root / "out").mkdir()
    outputs = Outputs(root, ("out",), skip=lambda _: False)
    return Sender(desk, outputs, clock, engines=engines or Engines.storing(""))


def test_what_cannot_be_read_is_named_and_all_else_is_sent(nobodys: Path) -> None:
    clock = StoppedClock()
    root = nobodys
    made = sender(root, clock)
    (root / "out/small").write_text("x")
    (root / "out/large").write_bytes(_LARGE)
    (root / "out/closed").mkdir()
    (root / "out/closed/x").touch()
    (root / "out/healed").write_text("x")
    for name in ("small", "large", "closed", "healed"):
        (root / "out" / name).chmod(0)
    (root / "out/well").write_text("well")
    for _ in range(3):
        made.step()
        clock.pass_(QUIET_S)
    assert set(made.entries) == {"out/well"}
    (root / "out/healed").chmod(0o600)
    assert [entry.path for entry in made.finish()] == ["out/healed", "out/well"]
    assert made.unreadable == dict.fromkeys(
        ("out/small", "out/large", "out/closed"), "Permission denied"
    )
    made.close()


def test_no_success_lacks_a_file() -> None:
    success = Exit(outcome=Outcome.SUCCESS)
    assert as_sent(success, {}) == success
    failed = as_sent(success, {"out/b": "Permission denied", "out/a": "Input/output error"})
    assert failed.outcome is Outcome.FAILURE
    assert "out/a cannot be read" in failed.reason
    assert "Input/output error" in failed.reason
    assert "1 more" in failed.reason
    judged = Exit(outcome=Outcome.FAILURE, code=3, reason="its own")
    assert as_sent(judged, {"out/a": "Permission denied"}) == judged


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 8, 9, 100])
def test_a_journal_goes_on_after_its_last_page(count: int) -> None:
    records = JobRecords(MemoryStore(), "p-00000000", 1)
    for number in range(1, count + 1):
        records.put_page(Page(machine="m", number=number, phase="x"))
    records.put_page(Page(machine="other", number=count + 1, phase="x"))
    assert records.pages("m") == count


def test_what_seals_is_sent_after_all_that_was_there_before_it(tmp_path: Path) -> None:
    clock = StoppedClock()
    made = sender(tmp_path, clock)
    made.sealing.seals = lambda path: path.endswith("sampling.star")
    (tmp_path / "out/model.star").write_text("whole")
    (tmp_path / "out/run_sampling.star").write_text("last")
    clock.pass_(QUIET_S)
    made.step()
    (tmp_path / "out/model.star").write_text("still written, it turns out")
    os.utime(tmp_path / "out/model.star", ns=(1, 1))  # before what seals it
    clock.pass_(QUIET_S)
    made.step()
    assert not made.sealed
    for _ in range(3):
        clock.pass_(QUIET_S)
        made.step()
    assert made.sealed == {"out/run_sampling.star"}
    assert made.entries["out/model.star"].size == len("still written, it turns out")
    made.close()


def test_what_cannot_be_read_keeps_nothing_from_being_sealed(nobodys: Path) -> None:
    clock = StoppedClock()
    made = sender(nobodys, clock)
    made.sealing.seals = lambda path: path.endswith("sampling.star")
    (nobodys / "out/closed").write_text("x")
    (nobodys / "out/closed").chmod(0)
    (nobodys / "out/run_sampling.star").write_text("last")
    os.utime(nobodys / "out/closed", ns=(1, 1))
    for _ in range(4):
        clock.pass_(QUIET_S)
        made.step()
    assert made.sealed == {"out/run_sampling.star"}
    made.close()


def test_two_that_seal_at_the_same_instant_do_not_wait_for_each_other(tmp_path: Path) -> None:
    clock = StoppedClock()
    made = sender(tmp_path, clock)
    made.sealing.seals = lambda path: True
    for name in ("a", "b"):
        (tmp_path / "out" / name).write_text(name)
        os.utime(tmp_path / "out" / name, ns=(7, 7))
    for _ in range(4):
        clock.pass_(QUIET_S)
        made.step()
    assert made.sealed == {"out/a", "out/b"}
    made.close()


def test_of_a_program_that_was_lost_nothing_is_sealed_any_more(tmp_path: Path) -> None:
    made = sender(tmp_path, StoppedClock())
    made.sealing.seals = lambda path: path.endswith("sampling.star")
    (tmp_path / "out/model.star").write_text("whole")
    (tmp_path / "out/run_sampling.star").write_text("half")
    assert [entry.path for entry in made.finish(seals=False)] == ["out/model.star"]
    made.close()


def test_a_file_that_changes_as_it_is_read_is_not_stored(tmp_path: Path) -> None:
    class Late(Outputs):
        def settled(self, sent: Callable[[str], Stamp | None], now_s: float) -> Iterator[Found]:
            found = list(super().settled(sent, now_s))
            if found:
                (tmp_path / "out/model.star").write_text("new")  # of the same size
                os.utime(tmp_path / "out/model.star", ns=(9, 9))
            yield from found

    clock, made = StoppedClock(), sender(tmp_path, StoppedClock())
    made.clock, made.outputs = clock, Late(tmp_path, ("out",), skip=lambda _: False)
    (tmp_path / "out/model.star").write_text("old")
    for _ in range(2):
        made.step()
        clock.pass_(QUIET_S)
    assert made.entries == {}
    entry = made.finish()[0]
    assert entry.content is not None
    assert entry.content.digest == digest_of(b"new")
    made.close()


def test_outputs_are_encoded_and_come_back_as_they_were(tmp_path: Path) -> None:
    clock = StoppedClock()
    made = sender(tmp_path, clock, Engines.storing("auto"))
    files = {"out/data.star": b"0.123456  7\n" * 50_000, "out/map.mrc": bytes(20_000_000)}
    for path, data in files.items():
        (tmp_path / path).write_bytes(data)
    store = made.desk.records.store
    for entry in made.finish():
        assert entry.content is not None
        assert entry.content.codecs
        assert entry.content.stored < entry.size / 4
        assert fetch_bytes(store, "p-00000000", entry.content) == files[entry.path]
    made.close()
    made.engines.close()
