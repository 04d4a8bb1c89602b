"""A real Debian with its own cloud-init, booted as an instance."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ec2sim.bootworld import Box, World
from tests.ec2sim.house import House
from tests.ec2sim.seam import Why

pytestmark = pytest.mark.soak

ASKS = b"""#cloud-config
write_files:
  - {path: /etc/written, content: by cloud-init}
runcmd:
  - curl -sS --data-binary "$(cat /etc/written) in $(hostname)" http://198.18.0.1:5000/
  - curl -sS --data-binary "@/run/cloud-init/instance-data.json" http://198.18.0.1:5000/
power_state: {mode: poweroff, delay: now}
"""


@pytest.fixture(scope="module")
def debian(can_boot: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """About 500 MB of Debian, from its own mirror."""
    if shutil.which("debootstrap") is None:
        pytest.skip("needs debootstrap (apt-get install debootstrap)")
    if Path("/sys/class/dmi/id").exists():
        pytest.skip("the hardware's own identity would be seen")
    root = tmp_path_factory.mktemp("debian")
    names = "cloud-init,python3,python3-cffi-backend,curl,iproute2"
    made = subprocess.run(
        ("debootstrap", "--variant=minbase", f"--include={names}", "bookworm", str(root)),
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"debootstrap: {made.stdout[-300:]}")
    yield root
    shutil.rmtree(root)


@pytest.fixture
def debian_world(debian: Path, tmp_path: Path) -> Iterator[World]:
    made = World(House(directory=tmp_path / "machines", lower=debian, cloud_init=True))
    yield made
    made.close()


@pytest.mark.timeout(600)
def test_cloud_init_finds_ec2_and_does_what_the_user_data_says(debian_world: World) -> None:
    box = debian_world.booted(Box(user_data=ASKS, memory_mib=1024))
    debian_world.api.until_noted("by cloud-init in ip-172-31-0-11")
    debian_world.api.until_told("ended", box.id, Why.SHUT_DOWN_ITSELF)
    about = debian_world.api.words()[-1]
    assert '"cloud_name": "aws"' in about
    assert f'"instance_id": "{box.id}"' in about
