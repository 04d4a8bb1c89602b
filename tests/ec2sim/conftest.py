"""A simulated AWS whose machines pretend, and machines that boot, for the tests that need them."""

from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore.config import Config

from tests.ec2sim.asking import Client, Connect
from tests.ec2sim.bootworld import World, reason_not_to_boot
from tests.ec2sim.cloud import Cloud
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


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """An empty account whose time passes by `cloud.clock.skip`."""
    with Cloud() as simulated:
        yield simulated


@pytest.fixture(scope="session")
def session() -> botocore.session.Session:
    """Made once: it reads botocore's large models."""
    made = botocore.session.get_session()
    made.set_credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    return made


@pytest.fixture
def connect(cloud: Cloud, session: botocore.session.Session) -> Connect:
    """Clients for the account, which try each call once."""
    config = Config(retries={"total_max_attempts": 1})

    def client(service: str) -> Client:
        return session.create_client(
            service, region_name="us-east-1", endpoint_url=cloud.url, config=config
        )

    return client


@pytest.fixture
def ec2(connect: Connect) -> Client:
    return connect("ec2")


@pytest.fixture
def autoscaling(connect: Connect) -> Client:
    return connect("autoscaling")


@pytest.fixture
def image() -> str:
    """A machine image that every account sees: one of Amazon's that moto knows."""
    return "ami-03cf127a"
