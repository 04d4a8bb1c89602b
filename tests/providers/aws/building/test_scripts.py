"""The scripts that come with us: bash takes them, and what they say of mirrors holds."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cryoem_cloud.providers.aws.building.scripts import SHIPPED
from cryoem_cloud.providers.aws.images import BASES

_SOURCES = {
    "http://us-west-2.ec2.archive.ubuntu.com/ubuntu/": "https://mirrors.edge.kernel.org/ubuntu/",
    "http://security.ubuntu.com/ubuntu": "https://mirrors.edge.kernel.org/ubuntu",
    "http://deb.debian.org/debian": "https://deb.debian.org/debian",
    "https://cdn-aws.deb.debian.org/debian": "https://cdn-aws.deb.debian.org/debian",
}


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


def test_packages_come_by_https(tmp_path: Path) -> None:
    """The script runs with an apt that only says how it was called."""
    apt = tmp_path / "apt"
    apt.mkdir()
    (apt / "ubuntu.sources").write_text("".join(f"URIs: {name}\n" for name in _SOURCES))
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "apt-get").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    (tools / "apt-get").chmod(0o755)
    for name in ("find", "xargs", "sed", "echo"):
        (tools / name).symlink_to(str(shutil.which(name)))
    script = SHIPPED["relion-debian"].text.decode().replace("/etc/apt", str(apt))
    subprocess.run(["/bin/bash"], input=script.encode(), check=True, env={"PATH": str(tools)})
    found = (apt / "ubuntu.sources").read_text().split()[1::2]
    assert found == list(_SOURCES.values())
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == [
        "update",
        "install -y --no-install-recommends relion csh ghostscript",
    ]
