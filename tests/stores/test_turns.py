"""A turn log, case by case; test_turns_machine has what nobody thinks of."""

import pytest

from cryoem_cloud.model.errors import FormatError, StoreUnreachableError
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.turns import TurnLog
from cryoem_cloud.testing.faults import Fault, FaultyStore

PREFIX = "p/jobs/00000001/turns/main/"


def faulty(*faults: Fault) -> FaultyStore:
    """A store that meets these faults in its first writes."""
    plan = list(faults)
    return FaultyStore(
        MemoryStore(), lambda call, _: plan.pop(0) if plan and call == "put" else Fault.NONE
    )


def test_a_claim_whose_reply_was_lost_is_ours() -> None:
    claim = TurnLog(faulty(Fault.LOST), PREFIX).claim("m1")
    assert claim is not None
    assert claim.holder == "m1"


def test_a_claim_that_lands_late_is_found_by_its_writer() -> None:
    store = faulty(Fault.LATE)
    log = TurnLog(store, PREFIX)
    with pytest.raises(StoreUnreachableError):
        log.claim("m1")
    store.land()
    claim = log.claim("m1")
    assert claim is not None
    assert claim.number == 1


def test_a_claim_that_lands_after_its_writer_has_left_is_taken_over() -> None:
    store = faulty(Fault.LATE)
    with pytest.raises(StoreUnreachableError):
        TurnLog(store, PREFIX).claim("m1")
    store.land()
    other = TurnLog(store, PREFIX)
    assert other.claim("m2") is None
    (stray,) = other.read()
    claim = other.claim("m2", over=stray)
    assert claim is not None
    assert other.close(claim, Deed.DONE)


def test_a_task_is_begun_by_one() -> None:
    store = faulty()
    claim = TurnLog(store, PREFIX).begin("m1")
    assert claim is not None
    assert TurnLog(store, PREFIX).read() == (claim,)
    assert TurnLog(store, PREFIX).begin("m2") is None


def test_an_end_whose_reply_was_lost_counts_once() -> None:
    log = TurnLog(faulty(Fault.NONE, Fault.LOST), PREFIX)
    claim = log.claim("m1")
    assert claim is not None
    assert log.close(claim, Deed.DONE, {"code": 0})
    assert log.close(claim, Deed.DONE, {"code": 0})
    assert len(log.read()) == 2


def test_a_machine_that_was_believed_dead_completes_nothing() -> None:
    store = MemoryStore()
    zombie, other = TurnLog(store, PREFIX), TurnLog(store, PREFIX)
    mine = zombie.claim("zombie")
    assert mine is not None
    theirs = other.claim("other", over=other.read()[-1])
    assert theirs is not None
    assert not zombie.close(mine, Deed.DONE)
    assert other.close(theirs, Deed.DONE)
    assert not zombie.close(mine, Deed.FAILED)


def test_an_old_suspicion_does_not_hit_a_new_holder() -> None:
    store = MemoryStore()
    log = TurnLog(store, PREFIX)
    first = log.claim("m1")
    assert first is not None
    suspicion = TurnLog(store, PREFIX)
    assert suspicion.read() == (first,)
    assert TurnLog(store, PREFIX).claim("m2", over=first) is not None
    assert suspicion.claim("m3", over=first) is None


@pytest.mark.parametrize(
    "turns",
    [
        [("claim", "m1", 2)],
        [("done", "m1", 1)],
        [("claim", "m1", 1), ("done", "m2", 2)],
    ],
)
def test_a_log_that_nobody_may_have_written_is_refused(turns: list[tuple[str, str, int]]) -> None:
    store = MemoryStore()
    for place, (deed, holder, number) in enumerate(turns, start=1):
        turn = Turn(number=number, deed=Deed(deed), holder=holder, nonce=f"{place}")
        store.put(f"{PREFIX}{place:06d}", turn.to_bytes())
    with pytest.raises(FormatError):
        TurnLog(store, PREFIX).read()


def test_what_follows_an_end_is_not_even_looked_at() -> None:
    store = MemoryStore()
    for number, (deed, holder) in enumerate([("claim", "m1"), ("done", "m1"), ("claim", "m2")], 1):
        turn = Turn(number=number, deed=Deed(deed), holder=holder, nonce=f"{number}")
        store.put(f"{PREFIX}{number:06d}", turn.to_bytes())
    log = TurnLog(store, PREFIX)
    assert [turn.holder for turn in log.read()] == ["m1", "m1"]
    assert log.claim("m2") is None
