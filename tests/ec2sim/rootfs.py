"""Makes a machine's file system around itself, and becomes the machine's first program.

A program of its own, run in new namespaces with one argument: a JSON object, see `main`. It imports
nothing of ours, and nothing of it is left when the machine runs.
"""

import ctypes
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_BIND, _REC, _RDONLY, _REMOUNT, _DETACH = 0x1000, 0x4000, 0x1, 0x20, 0x2
_NOSUID, _NODEV, _NOEXEC = 0x2, 0x4, 0x8
_BLOCK = 0o060000
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_NODES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1"}
_STORE = "nvme-Amazon_EC2_NVMe_Instance_Storage"
_NOT_OURS = ("sys", "sysrq-trigger", "irq", "bus")
"""In /proc: what is the whole host's, and must not be changed from a machine."""
_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: Sequence[str]) -> None:
    """Read what to do from the argument, do it, and run `first` in the new root.

    Keys: cgroups (folders to join), lower, upper, work, root (of the overlay), binds (place in
    the machine by folder of the host), disks (numbers of block devices by name), host, first (a
    command), environment.
    """
    plan: dict[str, Any] = json.loads(arguments[1])
    for folder in plan["cgroups"]:
        Path(folder, "cgroup.procs").write_text("0", encoding="ascii")
    root = Path(plan["root"])
    layers = f"lowerdir={plan['lower']},upperdir={plan['upper']},workdir={plan['work']}"
    _mount("overlay", root, "overlay", data=layers)
    _system(root)
    _devices(root / "dev", plan["disks"])
    for source, place in plan["binds"].items():
        inside = root / place.lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        _mount(source, inside, flags=_BIND | _REC)
    name = plan["host"].encode()
    _checked(_libc.sethostname(name, len(name)), "sethostname")
    _enter(root)
    os.execve(plan["first"][0], plan["first"], plan["environment"])


def _system(root: Path) -> None:
    hard = _NOSUID | _NODEV | _NOEXEC
    _mount("proc", root / "proc", "proc", flags=hard)
    for name in _NOT_OURS:
        place = root / "proc" / name
        if place.exists():
            _mount(str(place), place, flags=_BIND)
            _mount("none", place, flags=_BIND | _REMOUNT | _RDONLY | hard)
    own = root / "proc/sys/net"
    _mount(str(own), own, flags=_BIND)  # settings of the machine's own network
    _mount("none", own, flags=_BIND | _REMOUNT | hard)
    _mount("sysfs", root / "sys", "sysfs", flags=hard | _RDONLY)
    _mount("tmpfs", root / "run", "tmpfs", data="mode=755")


def _devices(dev: Path, disks: dict[str, int]) -> None:
    _mount("tmpfs", dev, "tmpfs", flags=_NOSUID, data="mode=755,size=16m")
    for name in _NODES:
        (dev / name).touch()
        _mount(f"/dev/{name}", dev / name, flags=_BIND)
    known = dev / "disk/by-id"
    known.mkdir(parents=True)
    for name, number in disks.items():
        os.mknod(dev / name, _BLOCK | 0o660, number)
        (known / f"{_STORE}_AWS{number:017X}").symlink_to(f"../../{name}")
    for name, target in (*_LINKS.items(), ("stderr", "fd/2")):
        (dev / name).symlink_to(target)
    (dev / "shm").mkdir()
    _mount("tmpfs", dev / "shm", "tmpfs", flags=_NOSUID | _NODEV, data="mode=1777,size=50%")
    (dev / "pts").mkdir()
    _mount("devpts", dev / "pts", "devpts", data="newinstance,ptmxmode=0666")


def _enter(root: Path) -> None:
    os.chdir(root)
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _checked(_libc.syscall(number, b".", b"."), "pivot_root")  # the old root is on top of the new
    _checked(_libc.umount2(b".", _DETACH), "umount")
    os.chdir("/")


def _mount(source: str, place: Path, kind: str = "", *, flags: int = 0, data: str = "") -> None:
    words = [word.encode() for word in (source, str(place), kind)]
    made = _libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None)
    _checked(made, f"mount {kind} {place}")


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    main(sys.argv)
