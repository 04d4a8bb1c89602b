"""What is to become of fleets that are no job's, as builders of images, or whose store is away."""

import time
from pathlib import Path

import pytest

from cryoem_cloud.cli.jobs.fleets import Verdict, fleets_left
from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.providers.aws.names import build_token
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.testing.faults import Fault, FaultyStore
from tests.courier.conftest import Played


@pytest.mark.parametrize(
    ("left_s", "verdict", "ended"),
    [(600, Verdict.BUILDING, False), (-1, Verdict.OVERDUE, True)],
)
def test_a_builder_is_reaped_once_it_is_overdue(
    left_s: int, verdict: Verdict, tmp_path: Path, *, ended: bool
) -> None:
    provider = Played()
    token = build_token("relion-20260101-2", int(time.time()) + left_s)
    provider.kept = [token]
    places = Places.read({"HOME": str(tmp_path)})
    (fleet,) = fleets_left((provider,), places, lambda _: MemoryStore())
    assert fleet.verdict is verdict
    fleet.reap()
    assert bool(provider.ended) is ended


def test_a_store_that_is_away_keeps_no_other_fleet_from_being_reaped(tmp_path: Path) -> None:
    theirs, provider = MemoryStore(), Played()
    provider.store = "memory://theirs"
    provider.kept = [token_of("lab-0a1b2c3d", 7, 1), build_token("relion-20260101-2", 1)]
    places = Places.read({"HOME": str(tmp_path)})
    away = FaultyStore(theirs, lambda *_: Fault.REFUSED)
    left = tuple(fleets_left((provider,), places, lambda _: away))
    assert [fleet.verdict for fleet in left] == [Verdict.AWAY, Verdict.OVERDUE]
    for fleet in left:
        fleet.reap()
    assert set(provider.ended) == {provider.kept[1]}
