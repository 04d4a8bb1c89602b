"""The agent's archive: what is in it, where it runs, and what is refused."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.archive import Python, build
from cryoem_cloud.providers.aws.wheels import fits, needed
from tests.providers.aws_machine.lab import python_folder

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_equal_input_gives_equal_bytes(
    archive: tuple[Path, str], wheels: tuple[Path, ...], tmp_path: Path
) -> None:
    """Copied a day later, by somebody else."""
    copies = tuple(Path(shutil.copy(wheel, tmp_path)) for wheel in reversed(wheels))
    for copy in copies:
        os.utime(copy, (1, 1))
    again = build(python_folder(), copies, tmp_path / "again.tar.gz")
    assert again == archive[1]
    assert hashlib.sha256((tmp_path / "again.tar.gz").read_bytes()).hexdigest() == again


def test_it_runs_in_another_place_without_home(archive: tuple[Path, str], tmp_path: Path) -> None:
    place = tmp_path / "other place"
    with tarfile.open(archive[0]) as tar:
        tar.extractall(place, filter="data")
        names = tar.getnames()
    ran = subprocess.run(
        [place / "agent", "--aws"], check=False, capture_output=True, text=True, env={}
    )
    assert "the following arguments are required: --store" in ran.stderr
    site = f"python/lib/python{VERSION}/site-packages"
    for script in ("common", "boot"):
        assert f"{site}/cryoem_cloud/providers/aws/{script}.sh" in names
    unused = ("botocore/data/ec2", "/click/", "numpy/f2py/", "numpy/_core/tests/")
    assert not [name for name in names if any(word in name for word in unused)]
    assert archive[0].stat().st_size < 64 * 2**20


def fake(folder: Path, machine: int = 62) -> Path:
    (folder / f"lib/python{VERSION}").mkdir(parents=True)
    (folder / f"lib/python{VERSION}/os.py").touch()
    (folder / "bin").mkdir()
    head = b"\x7fELF\x02\x01" + bytes(12) + machine.to_bytes(2, "little") + bytes(44)
    (folder / f"bin/python{VERSION}").write_bytes(head)
    (folder / "bin/python3").symlink_to(f"python{VERSION}")
    return folder


def test_a_python_of_another_architecture_is_refused(
    wheels: tuple[Path, ...], tmp_path: Path
) -> None:
    arm = fake(tmp_path / "arm", machine=183)
    assert Python(arm).architecture == "arm64"
    with pytest.raises(ProviderError, match="is for arm64, and the machines are x86_64"):
        build(arm, wheels, tmp_path / "x")
    with pytest.raises(ProviderError, match="is not for CPython"):
        build(arm, wheels, tmp_path / "x", architecture="arm64")


def test_a_virtual_environment_is_refused(wheels: tuple[Path, ...], tmp_path: Path) -> None:
    outside = fake(tmp_path / "outside")
    (outside / "bin/python3").unlink()
    (outside / "bin/python3").symlink_to("/usr/bin/env")
    for folder in (Path(sys.prefix), outside, tmp_path):
        with pytest.raises(ProviderError, match="holds no CPython of its own"):
            build(folder, wheels, tmp_path / "x")


def test_a_python_that_does_not_run_elsewhere_is_refused(
    wheels: tuple[Path, ...], tmp_path: Path
) -> None:
    bound = fake(tmp_path / "bound")
    program = bound / f"bin/python{VERSION}"
    shutil.copy(Path("/bin/true").resolve(), program)
    with pytest.raises(ProviderError, match="does not run in another place"):
        build(bound, wheels, tmp_path / "x")


def test_a_missing_package_is_named(wheels: tuple[Path, ...], tmp_path: Path) -> None:
    some = tuple(wheel for wheel in wheels if not wheel.name.startswith("blake3"))
    with pytest.raises(ProviderError, match="no wheel of blake3"):
        build(python_folder(), some, tmp_path / "x")


def test_zstd_is_asked_for_where_python_has_none() -> None:
    assert set(needed("3.13")) - set(needed("3.14")) == {"backports.zstd"}
    assert "numpy" in needed("3.14")


def test_a_wheel_of_a_name_with_a_dot_is_found(wheels: tuple[Path, ...], tmp_path: Path) -> None:
    """As PyPI has it: `backports_zstd-1.8.0-….whl`."""
    named = tuple(
        Path(shutil.copy(wheel, tmp_path / wheel.name.replace("backports.zstd", "backports_zstd")))
        for wheel in wheels
    )
    with pytest.raises(ProviderError, match="no wheel of blake3"):
        build(python_folder(), [w for w in named if "blake3" not in w.name], tmp_path / "x")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("six-1.17.0-py2.py3-none-any.whl", True),
        ("blake3-1.0.8-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", True),
        ("blake3-1.0.8-cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", False),
        ("blake3-1.0.8-cp311-cp311-manylinux_2_17_x86_64.whl", False),
        ("blake3-1.0.8-cp312-cp312-musllinux_1_1_x86_64.whl", False),
        ("blake3-1.0.8-cp312-cp312-macosx_11_0_arm64.whl", False),
        ("x-1-cp38-abi3-manylinux_2_28_x86_64.whl", True),
        ("x-1.tar.gz", False),
    ],
)
def test_which_wheels_are_for_which_machines(name: str, *, expected: bool) -> None:
    assert fits(Path(name), "3.12", "x86_64") is expected
    assert fits(Path(name.replace("aarch64", "x86_64")), "3.12", "arm64") is (
        name.endswith("any.whl")
    )
