"""Machines that boot, for the tests that need them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ec2sim.bootworld import World, reason_not_to_boot
from tests.ec2sim.house import House


@pytest.fixture(scope="session")
def can_boot() -> None:
    if why := reason_not_to_boot():
        pytest.skip(why)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A minute lasts 50 ms."""
    return House(directory=tmp_path / "machines", minute_s=0.05, grace_s=1.0)


@pytest.fixture
def world(can_boot: None, house: House) -> Iterator[World]:
    made = World(house)
    yield made
    made.close()
