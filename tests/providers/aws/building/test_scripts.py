"""The scripts that come with us."""

import subprocess

import pytest

from cryoem_cloud.providers.aws.building.scripts import SHIPPED
from cryoem_cloud.providers.aws.images import BASES


@pytest.mark.parametrize("name", SHIPPED)
def test_bash_takes_it_and_its_base_is_known(name: str) -> None:
    shipped = SHIPPED[name]
    subprocess.run(["bash", "-n"], input=shipped.text, check=True)
    assert shipped.base in BASES


@pytest.mark.parametrize("name", ["relion-apptainer", "relion-docker-gpu"])
def test_a_container_must_be_named(name: str) -> None:
    ran = subprocess.run(
        ["bash"], input=SHIPPED[name].text, check=False, capture_output=True, env={}
    )
    assert (ran.returncode, b"CONTAINER: which container?" in ran.stderr) == (1, True)
