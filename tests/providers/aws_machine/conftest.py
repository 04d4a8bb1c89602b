"""Machines that boot with the product's own user-data."""

import sys
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.archive import build
from cryoem_cloud.providers.aws.wheels import needed
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.bootworld import reason_not_to_boot
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House
from tests.providers.aws_machine.lab import Lab, python_folder, wheels_of

_NEEDED = needed(f"{sys.version_info.major}.{sys.version_info.minor}")
_PACKAGES = (*_NEEDED, "jmespath", "python-dateutil", "six", "urllib3")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return wheels_of((*_PACKAGES, "typing_extensions"), tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="session")
def archive(wheels: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The agent's archive and its digest."""
    target = tmp_path_factory.mktemp("archive") / "agent.tar.gz"
    try:
        return target, build(python_folder(), wheels, target)
    except ProviderError as error:
        pytest.skip(f"this Python cannot be taken elsewhere: {error}")


@pytest.fixture(scope="session")
def session() -> botocore.session.Session:
    """Made once: it reads botocore's large models."""
    made = botocore.session.get_session()
    made.set_credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    return made


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Where 20 minutes are 60 s, which is ample for a boot."""
    if why := reason_not_to_boot():
        pytest.skip(why)
    return House(directory=tmp_path / "machines", minute_s=3.0, grace_s=1.0)


@pytest.fixture
def lab(
    house: House, archive: tuple[Path, str], session: botocore.session.Session
) -> Iterator[Lab]:
    """An account with everything that a machine needs. An hour, until `lapse`, lasts 60 s."""
    with Cloud(minute=1.0, machines=BootedMachines(house)) as cloud:
        made = Lab(cloud, session)
        made.make(archive[0].read_bytes(), archive[1])
        yield made
