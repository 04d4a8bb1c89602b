"""Applications that other packages bring and that cannot be loaded: nobody sees a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import User

_MAIN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from cryoem_cloud.cli.entry import main; "
_TOLD = (
    "application guest (guest_app:Guest) of package guest-app cannot be loaded: "
    "ModuleNotFoundError: No module named 'nowhere_to_be_found'"
)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with a package whose application needs what is not there."""
    folder = tmp_path / "packages"
    info = folder / "guest_app-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest-app\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[cryoem_cloud.applications]\nguest = guest_app:Guest\n")
    (folder / "guest_app.py").write_text("import nowhere_to_be_found\n")
    return folder


def typed(user: User, packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command says where that package is installed."""
    return subprocess.run(
        [sys.executable, "-c", f"{_MAIN} sys.exit(main(sys.argv[1:]))", str(packages), *words],
        cwd=user.folder,
        env=user.env,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_job_of_anothers_goes_on_and_the_package_is_named(user: User, packages: Path) -> None:
    said = typed(user, packages, "cryoem", "run", "--out", "out", "--", "true")
    assert said.returncode == 0, said.stderr
    assert f"cryoem: {_TOLD} (mend or remove it: pip uninstall guest-app); it is left out\n" in (
        said.stderr
    )
    assert "Traceback" not in said.stderr


def test_doctor_names_the_package(user: User, packages: Path) -> None:
    said = typed(user, packages, "cryoem", "doctor")
    assert f"application: {_TOLD}\n      → mend or remove it" in said.stdout
    assert said.returncode == 1
