"""An interactive machine: ssh comes through its open port, from the address that it is for alone.

The machine's ssh server is Debian's, unpacked beside it; the line that starts it stands for an
image that has one.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.model.keys import host_keys_key
from tests.cli.conftest import BIN, User
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.bootworld import Box, reason_not_to_boot
from tests.ec2sim.house import House
from tests.ec2sim.network import Wire
from tests.providers.aws_machine.lab import PREFIX, Lab
from tests.providers.aws_machine.test_through_us import joined

_UNPACKED = Path(__file__).parents[3] / "build" / "openssh-server"
_PACKAGES = ("openssh-server", "libwrap0")
_AT = "/opt/openssh"
_START = (
    "echo 'sshd:x:9922:65534::/run/sshd:/usr/sbin/nologin' >>/etc/passwd; "
    "printf 'Include /etc/ssh/sshd_config.d/*.conf\\n' >/etc/ssh/sshd_config; "
    f"cp -a {_AT}/usr/. /usr/; ldconfig; /usr/sbin/sshd"
)


@pytest.fixture(scope="session")
def server() -> Path:
    """A folder with Debian's ssh server."""
    if not (_UNPACKED / "usr/sbin/sshd").exists():
        _UNPACKED.mkdir(parents=True, exist_ok=True)
        got = subprocess.run(
            ["apt-get", "download", *_PACKAGES], cwd=_UNPACKED, check=False, capture_output=True
        )
        for package in _UNPACKED.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, _UNPACKED], check=True)
        if got.returncode or not shutil.which("ssh"):
            pytest.skip("needs openssh-client, and openssh-server from Debian's packages")
    return _UNPACKED


@pytest.fixture
def house(tmp_path: Path, server: Path) -> House:
    if why := reason_not_to_boot():
        pytest.skip(why)
    folder = tmp_path / "machines"
    return House(directory=folder, minute_s=3.0, grace_s=1.0, binds={server: _AT})


@pytest.fixture
def user(lab: Lab, tmp_path: Path) -> Iterator[User]:
    """Somebody with a key of theirs, in a stack that lets jobs open a port."""
    home, folder = tmp_path / "home", tmp_path / "project"
    (home / ".ssh").mkdir(parents=True)
    folder.mkdir()
    made = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / ".ssh" / "id_ed25519")
    subprocess.run(made, check=True)
    env = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "CRYOEM_STORE": lab.url,
        "CRYOEM_WHERE": "aws",
        "CRYOEM_SET_UP": _START,
        **lab.credentials,
    }
    somebody = User(home, folder, env)
    replace(joined(lab, somebody), ssh=True).write_to(somebody.places.config)
    yield somebody
    somebody.end_all()


def computer(lab: Lab, name: str, address: str) -> Wire:
    """A computer in the machines' network with that address."""
    machines = lab.cloud.machines
    assert isinstance(machines, BootedMachines)
    return machines.network.wire(Box(id=name, private_ip=address))


def enter(
    user: User, where: Wire, machine: str, *words: str, **env: str
) -> subprocess.CompletedProcess[str]:
    """`cryoem machines ssh` at a computer there; machines have private addresses alone here."""
    given = ("-o", "ConnectTimeout=3", *words)
    return subprocess.run(
        where.namespace.command(str(BIN / "cryoem"), "machines", "ssh", machine, "--", *given),
        cwd=user.folder,
        env={**user.env, "AWS_ENDPOINT_URL": BootedMachines.endpoint, **env},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_session_is_entered_from_one_address_by_one_key(
    lab: Lab, user: User, tmp_path: Path
) -> None:
    ours, theirs = computer(lab, "ours", "172.31.250.7"), computer(lab, "theirs", "172.31.250.8")
    (user.folder / "maps").mkdir()
    (user.folder / "maps" / "x").write_text("sent\n")
    said = user.cryoem("launch", "--instance", "m5.large", "--allow-ssh", "172.31.250.7", "maps")
    assert "an hour on demand" in said.out
    number = said.out.split("job ")[1].split(";")[0]
    assert f"enter    cryoem machines ssh {number}" in said.out
    user.wait_for(lambda: "connection" in _tried(lab, user, ours, number), seconds=90)
    (machine,) = lab.cloud.living()
    there = ("-o", f"HostName={machine.private_ip}")
    got = enter(user, ours, number, *there, "hostname; whoami")
    assert got.returncode == 0, got.stderr
    assert got.stdout.split() == [f"ip-{machine.private_ip.replace('.', '-')}", "root"]
    works = "cd project && cat maps/x && echo made here >session/y"
    user.wait_for(lambda: enter(user, ours, number, *there, works).stdout == "sent\n", seconds=60)
    user.wait_for((user.folder / "session" / "y").exists, seconds=60)
    assert (user.folder / "session" / "y").read_text() == "made here\n"

    other = tmp_path / "other"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other), check=True)
    (user.home / ".ssh" / "id_ed25519").unlink()
    (user.home / ".ssh" / "id_ed25519.pub").unlink()
    wrong_key = enter(user, ours, number, *there, "-i", str(other), "true")
    assert wrong_key.returncode == 255
    assert "Permission denied (publickey)" in wrong_key.stderr
    elsewhere = enter(user, theirs, number, *there, "true")
    assert (elsewhere.returncode, "timed out" in elsewhere.stderr) == (255, True)

    keys = host_keys_key(f"{PREFIX}/{project_of(user)}", int(number), machine.id)
    lab.ask("s3").put_object(Bucket="lab", Key=keys, Body=other.with_suffix(".pub").read_bytes())
    unlike = enter(user, ours, number, *there, "true")
    assert (unlike.returncode, "verification failed" in unlike.stderr) == (255, True)

    user.cryoem("stop", number)
    user.type("cryoem", "wait", number)
    user.wait_for(lambda: not lab.cloud.living(), seconds=60)
    user.cryoem("reap")
    groups = lab.ask("ec2").describe_security_groups()["SecurityGroups"]
    assert {each["GroupName"] for each in groups} == {"default", "machines"}


def project_of(user: User) -> str:
    return str(user.cryoem("project", "show", "--json").json["name"])


def _tried(lab: Lab, user: User, where: Wire, number: str) -> str:
    living = lab.cloud.living()
    if not living:
        return ""
    address = living[0].private_ip
    got = enter(user, where, number, "-o", f"HostName={address}", "echo connection")
    return got.stdout
