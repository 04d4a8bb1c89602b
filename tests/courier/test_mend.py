"""Damaged slips are made anew from the store, or their jobs fail and say so."""

import pytest

from cryoem_cloud.courier.mend import mend
from cryoem_cloud.model.errors import StoreDeniedError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault, FaultyStore

from .conftest import Bench, Played


@pytest.fixture
def damaged(bench: Bench) -> Bench:
    (bench.top / "state/spool" / f"{bench.slip.name}.slip").write_bytes(b"\0noise")
    return bench


def test_a_slip_is_made_anew_and_its_job_comes_home(damaged: Bench) -> None:
    damaged.records.put_job(damaged.slip.job)
    mend(damaged.means("courier-1", Played()))
    slip = damaged.spool.slip(damaged.slip.name)
    assert slip is not None
    assert (slip.job, slip.project) == (damaged.slip.job, damaged.slip.project)
    damaged.slip = slip
    assert damaged.run(lambda b: b.done()).outcome is Outcome.SUCCESS
    assert (damaged.folder / "run.out").read_text() == "before\n"


def test_a_job_that_nobody_knows_any_more_fails_and_says_so(damaged: Bench) -> None:
    mend(damaged.means("courier-1", Played()))
    assert damaged.spool.empty()
    card = damaged.card()
    assert (card.open, card.outcome) == (False, Outcome.FAILURE)
    assert "submit it again" in card.reason
    assert (damaged.folder / "RELION_JOB_EXIT_FAILURE").exists()
    assert "slip was damaged" in (damaged.folder / "run.err").read_text()


class Denied(MemoryStore):
    """A store that takes no credentials now."""

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        raise StoreDeniedError(f"{key}: expired")


@pytest.mark.parametrize("how", ["unreachable", "denied"])
def test_a_slip_waits_for_its_store(damaged: Bench, how: str) -> None:
    away = FaultyStore(damaged.store, lambda *_: Fault.REFUSED)
    damaged.store = Denied() if how == "denied" else away
    mend(damaged.means("courier-1", Played()))
    assert damaged.spool.damaged() == (damaged.slip.name,)
    assert damaged.card().open


def test_a_slip_without_a_card_is_set_aside(damaged: Bench) -> None:
    (damaged.top / "state/jobs" / f"{damaged.slip.name}.json").unlink()
    mend(damaged.means("courier-1", Played()))
    assert damaged.spool.empty()
    assert (damaged.top / "state/spool" / f"{damaged.slip.name}.damaged").exists()


def test_a_slip_of_a_newer_cryoem_is_not_damaged_and_stays(bench: Bench) -> None:
    file = bench.top / "state/spool" / f"{bench.slip.name}.slip"
    file.write_bytes(b'{"kind":"slip","v":99}')
    assert (bench.spool.damaged(), bench.spool.newer()) == ((), (bench.slip.name,))
    mend(bench.means("courier-1", Played()))
    assert file.read_bytes() == b'{"kind":"slip","v":99}'
    assert bench.card().open
