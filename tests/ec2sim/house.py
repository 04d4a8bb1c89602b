"""What all machines of a simulation have in common."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.ec2sim.network import ENDPOINT, ENDPOINT_PORT
from tests.ec2sim.rootdisk import RootDisk
from tests.ec2sim.seam import Instance
from tests.ec2sim.userdata import parts

__all__ = ["House", "furnish"]

_HERE = Path(__file__).parent
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ALWAYS_HIDDEN = ("/home", "/root", "/tmp", "/var/tmp", "/var/log", "/var/lib/cloud", "/var/spool")
_COMMANDS = ("/usr/sbin/shutdown", "/usr/sbin/poweroff", "/usr/sbin/halt", "/usr/sbin/reboot")
_SYSTEMCTL = "/usr/bin/systemctl"
_RUN_CLOUD_INIT = """#!/bin/sh
cloud-init init
cloud-init modules --mode=config
cloud-init modules --mode=final
"""
_INIT = "/usr/sbin/ec2sim-init"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """How machines are made. Sizes beyond the caps, and processors that we lack, are cut off."""

    directory: Path
    """Where the disks of machines are; hidden from all of them."""
    hide: tuple[str, ...] = ()
    """Folders and files of the host that machines must not see, beside homes, logs and /tmp."""
    binds: Mapping[Path, str] = field(default_factory=dict)
    """Folders of the host that all machines have, and where."""
    environment: Mapping[str, str] = field(default_factory=dict)
    lower: Path = Path("/")
    """The system that machines run."""
    python: str = "/usr/bin/python3"
    """Its interpreter, 3.9 or newer, for our few programs on it."""
    cloud_init: bool = False
    """Whether the system's own cloud-init runs the user-data, which then may be all it knows."""
    minute_s: float = 60.0
    """Seconds that one minute of the simulation lasts."""
    grace_s: float = 3.0
    """Seconds that programs have when their machine shuts itself down."""
    memory_cap_bytes: int = 2 * 2**30
    nvme_cap_bytes: int = 2**30

    def disk(self, instance_id: str) -> RootDisk:
        """The machine's root disk."""
        return RootDisk(self.lower, self.directory / instance_id)

    def image(self, image_id: str) -> Path:
        """Where what a machine image holds is kept, if it is one that was taken here."""
        return self.directory / "images" / image_id

    def variables(self) -> dict[str, str]:
        """The environment of a machine's first program."""
        endpoint = f"http://{ENDPOINT}:{ENDPOINT_PORT}"
        own = {"PATH": _PATH, "LANG": "C.UTF-8", "AWS_ENDPOINT_URL": endpoint}
        return own | dict(self.environment)

    def first(self, *, lifeline: int, ready: int) -> tuple[str, ...]:
        """The command of a machine's first program."""
        settings = f'{{"grace_s": {self.grace_s}, "lifeline": {lifeline}, "ready": {ready}}}'
        return (self.python, _INIT, settings)


def host_name(instance: Instance) -> str:
    """The name that the machine gives itself."""
    return f"ip-{instance.private_ip.replace('.', '-')}"


def furnish(house: House, instance: Instance) -> None:
    """Put on the machine's disk what a first boot would, or see to it that it is there.

    Raises:
        ValueError: The user-data is nothing that we run.
    """
    disk = house.disk(instance.id)
    if disk.make():
        if house.image(instance.image).exists():
            disk.begin_with(house.image(instance.image))
        else:
            hidden = (*_ALWAYS_HIDDEN, str(house.directory), *house.hide)
            disk.hide((*hidden, *(str(key) for key in Path("/etc/ssh").glob("ssh_host_*"))))
        if not house.cloud_init:
            _user_data(instance, disk)
        if instance.public_key:
            disk.write("/root/.ssh/authorized_keys", f"{instance.public_key}\n".encode(), 0o600)
    _system(house, instance, disk)


def _user_data(instance: Instance, disk: RootDisk) -> None:
    """What cloud-init makes of it."""
    for part in parts(instance.user_data):
        folder = "scripts" if part.kind == "per-boot" else "instance"
        disk.write(f"/var/lib/cloud/{folder}/{part.kind}/{part.name}", part.body, 0o700)
    disk.write("/var/lib/cloud/instance/user-data.txt", instance.user_data, 0o600)


def _cloud_init(instance: Instance, disk: RootDisk) -> None:
    """What the system's cloud-init needs to see EC2 around it, and to be run."""
    settings = "datasource_list: [Ec2]\nnetwork: {config: disabled}\n"
    disk.write("/etc/cloud/cloud.cfg.d/99-ec2sim.cfg", settings.encode())
    disk.write("/usr/sbin/dmidecode", f"#!/bin/sh\necho ec2{instance.id}\n".encode(), 0o755)
    disk.write("/usr/lib/ec2sim/boot/cloud-init", _RUN_CLOUD_INIT.encode(), 0o755)


def _system(house: House, instance: Instance, disk: RootDisk) -> None:
    name = host_name(instance)
    hosts = (
        "127.0.0.1 localhost",
        f"{instance.private_ip} {name}.ec2.internal {name}",
        f"{ENDPOINT} aws-endpoint",
    )
    variables = "".join(f"{key}={value}\n" for key, value in house.variables().items())
    disk.write("/etc/hostname", f"{name}\n".encode())
    disk.write("/etc/hosts", ("\n".join(hosts) + "\n").encode())
    disk.write("/etc/resolv.conf", b"")
    disk.write("/etc/environment", variables.encode())
    disk.write("/etc/ec2sim.json", f'{{"minute_s": {house.minute_s}}}\n'.encode())
    if house.cloud_init:
        _cloud_init(instance, disk)
    shebang = f"#!{house.python}\n".encode()
    disk.write(_INIT, shebang + (_HERE / "init.py").read_bytes(), 0o755)
    for command in (*_COMMANDS, _SYSTEMCTL):
        disk.write(command, shebang + (_HERE / "shutdown.py").read_bytes(), 0o755)


def missing() -> str:
    """Why no machine can be booted here; empty if one can be."""
    programs = ("ip", "nft", "tc", "nsenter", "unshare", "setpriv")
    absent = [program for program in programs if shutil.which(program) is None]
    return f"needs {', '.join(absent)}" if absent else ""
