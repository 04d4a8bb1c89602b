"""What a terminal is asked before a job is submitted: the plan's P90, and never more than that."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from cryoem_cloud.cli.jobs.consenting import agreed
from cryoem_cloud.cli.jobs.expecting import told
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Places, Settings, environment
from tests.cli.test_plan import _SCRIPT as SCRIPT
from tests.cli.test_plan import made_in

AWS = Settings(where="aws")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = made_in(tmp_path / "proj")
    monkeypatch.chdir(folder)
    return Project(name="proj", store="s3://lab/em", folder=folder)


def said(project: Project, *, script: str = SCRIPT, above: str = "0.01", **wish: object) -> str:
    asked = Asked(
        project=project.folder,
        script=script,
        outputs=("Class2D/job008",),
        wish=Wish(**wish),  # type: ignore[arg-type]  # a test's own words
    )
    return told(asked, project, AWS, Places.read(environment()), above=Decimal(above))


def test_a_terminal_is_asked_by_the_plan_and_told_the_most(project: Project) -> None:
    found = re.fullmatch(
        r"it may cost nine times of ten at most \$(\S+): 1 machine like \S+ \(spot\), \$\S+ an "
        r"hour each, for \d+ min at most; never more than \$(\S+), as its machines end after 24 h",
        said(project),
    )
    assert found is not None, said(project)
    likely, most = (Decimal(each) for each in found.groups())
    assert likely * 3 < most
    assert said(project, above=str(likely + 1)) == ""
    assert "after 3 h" in said(project, hours=3)


def test_without_a_plan_it_is_the_most_that_is_asked_about(project: Project) -> None:
    assert said(project, script="true\n").startswith("it may cost at most $")
    (project.folder / "particles.star").unlink()
    assert said(project).startswith("it may cost at most $")


def test_the_budget_of_a_job_is_asked_about_without_a_setting(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def write(self, _: str) -> None: ...

        def flush(self) -> None: ...

    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}", Terminal())
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)

    def goes_on(**wish: object) -> bool:
        made = Wish(**wish)  # type: ignore[arg-type]  # a test's own words
        asked = Asked(project=project.folder, script=SCRIPT, outputs=("a",), wish=made)
        return agreed(asked, project, AWS, Places.read(environment()))

    assert goes_on() is False
    assert goes_on(budget_usd=Decimal(1000)) is False
    with pytest.raises(RefusedError):
        goes_on(budget_usd=Decimal("0.01"))
