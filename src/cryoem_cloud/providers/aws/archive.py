"""The agent as one file for machines of one architecture: its own CPython, and all it imports."""

import gzip
import hashlib
import io
import platform
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import cryoem_cloud
from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.wheels import fits, needed, unpacked

__all__ = ["Python", "build"]

_MACHINES = {62: "x86_64", 183: "arm64"}
"""e_machine of ELF files (elf.h), and EC2's word for it."""
_ELF = b"\x7fELF\x02\x01"
"""64 bits, little-endian."""
_NEVER = frozenset(
    {"__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter"}
    | {"turtledemo", "lib2to3", "ensurepip", "pydoc_data"}
)
_LAUNCHER = b"""#!/bin/sh
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P)
LD_LIBRARY_PATH=$here/python/lib exec "$here/python/bin/python3" -I -m cryoem_cloud.cli agent "$@"
"""
_LOOK = (
    "import ctypes, ssl, sys, botocore.auth, cryoem_cloud.stores.s3;"
    "import cryoem_cloud.wiring.aws_machine, cryoem_cloud.mover.codec.filters;"
    "import cryoem_cloud.mover.codec.zstd; print(sys.prefix)"
)
_GIVE = "give the folder of a python-build-standalone, as `uv python install` makes it"


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the archive."""

    name: str
    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Python:
    """A folder with a CPython that runs wherever it is put.

    Raises:
        ProviderError: From each look: the folder holds none.
    """

    folder: Path

    @property
    def program(self) -> Path:
        """The interpreter itself."""
        found = (self.folder / "bin/python3").resolve()
        inside = found.is_file() and found.is_relative_to(self.folder.resolve())
        if not inside or (self.folder / "pyvenv.cfg").exists():
            raise ProviderError(f"{self.folder} holds no CPython of its own", hint=_GIVE)
        return found

    @property
    def version(self) -> str:
        """3.12, say."""
        found = self.program.name.removeprefix("python")
        if not (self.folder / f"lib/python{found}/os.py").is_file():
            raise ProviderError(f"{self.folder} lacks lib/python{found}", hint=_GIVE)
        return found

    @property
    def architecture(self) -> str:
        """Of machines that run it: x86_64 or arm64, as EC2 calls them."""
        with self.program.open("rb") as file:
            head = file.read(20)
        found = _MACHINES.get(int.from_bytes(head[18:20], "little"), "")
        if not head.startswith(_ELF) or not found:
            raise ProviderError(f"{self.program} is no program of Linux's", hint=_GIVE)
        return found

    def files(self) -> Iterator[_File]:
        """What of it an agent needs."""
        library = self.folder / f"lib/python{self.version}"
        yield _File("python/bin/python3", self.program.read_bytes(), 0o755)
        for shared in sorted((self.folder / "lib").glob(f"libpython{self.version}*.so.*")):
            yield _File(f"python/lib/{shared.name}", shared.read_bytes(), 0o755)
        for found in sorted(library.rglob("*")):
            parts = found.relative_to(library).parts
            static = parts[0].startswith("config-") or found.suffix in {".a", ".pyc"}
            if found.is_file() and not static and not _NEVER.intersection(parts):
                name = f"python/lib/{library.name}/{'/'.join(parts)}"
                yield _File(name, found.read_bytes())


def build(
    folder: Path, wheels: Sequence[Path], target: Path, *, architecture: str = "x86_64"
) -> str:
    """Write the agent's archive of this program's version to `target`; its SHA-256.

    `folder` has the CPython, `wheels` are what `needed` names and what that needs. The same input
    gives the same bytes. Where this computer is of the architecture, the agent is tried, unpacked
    in another place.

    Raises:
        ProviderError: They are not for such machines, something is missing, or it does not run.
    """
    python = Python(folder)
    if python.architecture != architecture:
        raise ProviderError(
            f"{folder} is for {python.architecture}, and the machines are {architecture}",
            hint=_GIVE,
        )
    _check(wheels, python.version, architecture)
    site = f"python/lib/python{python.version}/site-packages/"
    files = [_File("agent", _LAUNCHER, 0o755), *python.files()]
    files += [_File(site + name, data) for name, data in (*unpacked(wheels), *_ourselves())]
    _write(files, target)
    if architecture == platform.machine().replace("aarch64", "arm64"):
        _try(target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _check(wheels: Sequence[Path], version: str, architecture: str) -> None:
    there = {wheel.name.partition("-")[0].lower().replace("_", ".") for wheel in wheels}
    if missing := sorted(set(needed(version)) - there):
        raise ProviderError(f"there is no wheel of {missing[0]}", hint="give it with the others")
    for wheel in wheels:
        if not fits(wheel, version, architecture):
            raise ProviderError(
                f"{wheel.name} is not for CPython {version} on Linux, {architecture}",
                hint="give wheels for that",
            )


def _ourselves() -> Iterator[tuple[str, bytes]]:
    """This very program, and what says which applications it knows."""
    package = Path(cryoem_cloud.__file__).parent
    for found in sorted(package.rglob("*")):
        parts = found.relative_to(package).parts
        if found.is_file() and "__pycache__" not in parts and parts[0] != "testing":
            yield f"cryoem_cloud/{'/'.join(parts)}", found.read_bytes()
    own = metadata.distribution("cryoem-cloud-tools")
    for name in ("METADATA", "entry_points.txt"):
        said = (own.read_text(name) or "").encode()
        yield f"cryoem_cloud_tools-{own.version}.dist-info/{name}", said


def _write(files: Sequence[_File], target: Path) -> None:
    """As a tar of names in order, without times and owners, so that equal input is equal bytes."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in sorted(files, key=lambda each: each.name):
            about = tarfile.TarInfo(file.name)
            about.size, about.mode = len(file.data), file.mode
            tar.addfile(about, io.BytesIO(file.data))


def _try(archive: Path) -> None:
    """Run it where it never was.

    Raises:
        ProviderError: It does not run there, or has its library from elsewhere.
    """
    with TemporaryDirectory() as made:
        place = Path(made).resolve()
        with tarfile.open(archive) as tar:
            tar.extractall(place, filter="tar")
        python = place / "python"
        env = {"LD_LIBRARY_PATH": str(python / "lib")}
        look = [str(python / "bin/python3"), "-I", "-c", _LOOK]
        looked = subprocess.run(look, check=False, capture_output=True, text=True, env=env)
        if looked.returncode or Path(looked.stdout.strip()) != python:
            said = looked.stderr.strip().rpartition("\n")[2] or looked.stdout.strip()
            raise ProviderError(f"this CPython does not run in another place: {said}", hint=_GIVE)
        tried = subprocess.run(
            [str(place / "agent"), "--help"], check=False, capture_output=True, text=True, env={}
        )
        if tried.returncode:
            raise ProviderError(f"the agent does not start: {tried.stderr.strip()[-500:]}")
