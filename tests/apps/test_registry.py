"""Which application takes a job."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.registry import (
    APPLICATIONS,
    application_for,
    application_named,
    broken,
    names,
)
from cryoem_cloud.model.errors import ApplicationError, NotFoundError
from cryoem_cloud.ports.application import Asked
from tests.apps.conftest import make_job


def asked(script: str, script_path: str = "") -> Asked:
    return Asked(project=Path("/nowhere"), script=script, script_path=script_path)


def test_relion_takes_its_own_and_the_shell_takes_the_rest() -> None:
    assert application_for(asked("relion_refine --o x/y")).name == "relion"
    assert application_for(asked("./exe", "External/job001/run_submit.script")).name == "relion"
    assert application_for(asked("ls 'unclosed")).name == "shell"


def test_the_shell_is_asked_last() -> None:
    assert names()[-1] == "shell"


def test_names_are_those_that_the_applications_have() -> None:
    assert all(application_named(name).name == name for name in APPLICATIONS)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="shell"):
        application_named("cistem")


_GUEST = """\
class Guest:
    name = "guest"

    def knows(self, asked):
        return asked.script.startswith("guest")

    def cut(self, job, view):
        raise ValueError("my\\nbug")

    def needs(self, job, view):
        yield from ()
        raise KeyError("x")

    def bulk(self, job, paths, *, ended):
        raise FileNotFoundError("a disk is away")
"""


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs a package that brings an application, with this text as its module."""
    info = tmp_path / "guest_app-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest-app\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[cryoem_cloud.applications]\nguest = guest_app:Guest\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(text: str) -> None:
        (tmp_path / "guest_app.py").write_text(text)

    yield install
    sys.modules.pop("guest_app", None)


def test_another_package_brings_an_application(guest: Callable[[str], None]) -> None:
    guest(_GUEST)
    assert application_for(asked("guest --x")).name == "guest"
    assert not broken()


def test_a_bug_of_another_packages_application_is_told_as_its_own(
    guest: Callable[[str], None], tmp_path: Path
) -> None:
    guest(_GUEST)
    application, job, view = (
        application_named("guest"),
        make_job("guest", outputs=("x",)),
        Here(tmp_path),
    )
    with pytest.raises(ApplicationError) as told:
        application.cut(job, view)
    assert str(told.value) == (
        "application guest broke in cut: ValueError: my bug (mend its package: guest-app)"
    )
    needs = application.needs(job, view)
    with pytest.raises(ApplicationError, match="application guest broke in needs: KeyError: 'x'"):
        list(needs)
    with pytest.raises(FileNotFoundError):
        application.bulk(job, (), ended=True)


@pytest.mark.parametrize("text", ["import nowhere_to_be_found\n", "Other = 1\n", "1 / 0\n"])
def test_an_application_that_cannot_be_loaded_is_left_out(
    guest: Callable[[str], None], text: str
) -> None:
    guest(text)
    assert application_for(asked("guest --x")).name == "shell"
    (said,) = map(str, broken())
    assert said.startswith("application guest (guest_app:Guest) of package guest-app cannot be lo")
    assert said.endswith("(mend or remove it: pip uninstall guest-app)")
    with pytest.raises(ApplicationError, match="cannot be loaded"):
        application_named("guest")


def test_a_bug_of_ours_is_told_as_ours() -> None:
    with pytest.raises(ApplicationError, match=r"relion broke in .* \(a bug of cryoem-cloud-tools"):
        application_named("relion").remarks(None)  # type: ignore[arg-type]  # what is no job
