"""Which application takes a job."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.registry import APPLICATIONS, application_for, application_named, names
from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.ports.application import Asked


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


def test_another_package_brings_an_application(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "guest_app.py").write_text(
        "class Guest:\n    name = 'guest'\n    def knows(self, asked):\n"
        "        return asked.script.startswith('guest')\n"
    )
    info = tmp_path / "guest_app-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: guest-app\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[cryoem_cloud.applications]\nguest = guest_app:Guest\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert application_for(asked("guest --x")).name == "guest"
