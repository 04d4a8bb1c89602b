"""The packages that an agent needs, as wheels for the machines' Python."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

from cryoem_cloud.model.errors import ProviderError

__all__ = ["download", "fits", "needed", "unpacked"]

_NEEDED = ("blake3", "botocore", "crc32c", "numpy")
_ZSTD, _HAS_ZSTD = "backports.zstd", (3, 14)
"""What is in the standard library from that version on."""
_LINUXES = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
"""By the oldest glibc: Amazon Linux 2023 has 2.34, Debian 12 has 2.36, Ubuntu 24.04 has 2.39."""
_KEPT_DATA = "botocore/data/s3/"
_DATA = re.compile(r"botocore/data/[^/]+/")
_UNUSED = re.compile(r"numpy/f2py/|numpy/(.+/)?tests/|numpy/.+\.(pyi|h|a)$")
"""Of NumPy: what wraps Fortran, its tests, and what only compilers and type checkers read."""


def needed(version: str) -> tuple[str, ...]:
    """What the agent imports on CPython `version` ("3.12"), beside what these need themselves.

    No command line, no terminal.
    """
    major, minor = map(int, version.split("."))
    return _NEEDED if (major, minor) >= _HAS_ZSTD else (_ZSTD, *_NEEDED)


def download(version: str, architecture: str, folder: Path) -> tuple[Path, ...]:
    """Have pip fetch them for CPython `version` ("3.12") on Linux, x86_64 or arm64, to `folder`.

    Our own versions of them, where the running Python knows any.

    Raises:
        ProviderError: There is no pip, or it does not get them.
    """
    asked = [_asked(name) for name in needed(version)]
    platforms = [f"{name}_{_linux(architecture)}" for name in _LINUXES]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--python-version", version, "--dest", str(folder)]
    for platform in platforms:
        command += ["--platform", platform]
    done = subprocess.run([*command, *asked], check=False, capture_output=True, text=True)
    if done.returncode:
        raise ProviderError(
            f"pip does not get the agent's packages: {done.stderr.strip()[-500:]}",
            hint="give a folder with their wheels",
        )
    return tuple(sorted(folder.glob("*.whl")))


def _asked(name: str) -> str:
    """What pip is asked for."""
    try:
        return f"{name}=={metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return name


def fits(wheel: Path, version: str, architecture: str) -> bool:
    """Whether a wheel, by its name's tags, is for CPython `version` on Linux of that kind."""
    words = wheel.stem.split("-")
    if wheel.suffix != ".whl" or len(words) < len(("name", "version", "python", "abi", "platform")):
        return False
    pythons, abis, platforms = (set(word.split(".")) for word in words[-3:])
    own = f"cp{version.replace('.', '')}"
    if abis == {"none"} and platforms == {"any"}:
        return "py3" in pythons or own in pythons
    older = any(name.startswith("cp3") for name in pythons) and "abi3" in abis
    linux = any(
        name.startswith(("manylinux", "linux")) and name.endswith(f"_{_linux(architecture)}")
        for name in platforms
    )
    return linux and (own in abis or older)


def _linux(architecture: str) -> str:
    """Linux's word for what EC2 calls arm64."""
    return {"arm64": "aarch64"}.get(architecture, architecture)


def unpacked(wheels: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """The files in wheels by their names below site-packages: of botocore's data only S3's."""
    for wheel in wheels:
        with ZipFile(wheel) as opened:
            for name in opened.namelist():
                beside = ".data/" in name.partition("/")[0] + "/"  # scripts and headers
                pruned = _DATA.match(name) and not name.startswith(_KEPT_DATA)
                if not (name.endswith("/") or beside or pruned or _UNUSED.match(name)):
                    yield name, opened.read(name)
