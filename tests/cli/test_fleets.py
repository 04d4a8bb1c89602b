"""What is to become of a fleet that is no job's: a builder of a machine image."""

import time
from pathlib import Path

import pytest

from cryoem_cloud.cli.fleets import Verdict, fleets_left
from cryoem_cloud.providers.aws.names import build_token
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.memory import MemoryStore
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
