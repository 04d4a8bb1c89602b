"""`cryoem benchmark`: what it measures, what it asks, what it says; and once with RELION itself."""

import json
import platform
import shutil
import tomllib
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion import standard
from cryoem_cloud.cli.jobs import following
from cryoem_cloud.cli.money import benchmarking
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.model.forecast import Forecast
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.measured import put_measured
from cryoem_cloud.stores.memory import MemoryStore
from tests.cli.conftest import Type, User


class Submitted:
    """What was submitted, instead of a courier; its jobs end at once, after so long."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ran_s: int) -> None:
        self.asked: list[Asked] = []
        self.ran_s, self.store = ran_s, MemoryStore()
        monkeypatch.setattr(benchmarking, "submit_asked", self.submit)
        monkeypatch.setattr(following, "follow", self.follow)
        self.trials: dict[int, tuple[Asked, Project]] = {}

    def submit(self, asked: Asked, project: Project, here: Places, *, ask: bool) -> Card:
        assert ask
        self.asked.append(asked)
        number = len(self.asked)
        self.trials[number] = asked, project
        (project.folder / asked.name).mkdir(parents=True)
        return Card(
            number=number,
            project=project.name,
            store=project.store,
            folder=project.folder,
            name=asked.name,
            application="relion",
            frontend="shell",
            outputs=(asked.name,),
            logs=("", ""),
            submitted_at="",
        )

    def follow(self, card: Card, *, lines: bool) -> int:
        asked, project = self.trials[card.number]
        kind = asked.wish.machine or platform.node()
        work = standard.Standard(particles=200).work
        if self.ran_s:
            found = Measured(job=card.number, kind=kind, where="x", work=work, ran_s=self.ran_s)
            put_measured(self.store, project.name, found)
            Learnt(places().cache / "learnt").refreshed(self.store, project.name)
        return 0 if self.ran_s else 1

    @property
    def wishes(self) -> list[Wish]:
        return [each.wish for each in self.asked]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(standard, "IMAGES", 4)
    folder = tmp_path / "proj"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_without_a_machine_type_it_is_this_computer_and_nobody_is_asked(
    folder: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = Submitted(monkeypatch, ran_s=100)
    code, out, err = typed("benchmark", "--seconds", "60", "--json")
    assert code == 0, err
    (row,) = json.loads(out)["benchmarks"]
    assert (row["machine_type"], row["ran_s"], row["on_gpus"]) == (platform.node(), 100, False)
    assert row["expected_s"]["p50"] >= 60
    assert [wish.where for wish in submitted.wishes] == ["local"]
    (asked,) = submitted.asked
    assert f"--i Benchmark/particles_{row['particles']:06d}.star" in asked.script
    assert (folder / f"Benchmark/particles_{row['particles']:06d}.star").exists()


def test_a_machines_price_is_said_before_and_a_faster_one_gets_more_particles(
    folder: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = Submitted(monkeypatch, ran_s=100)
    names = ("g6.xlarge", "g6e.4xlarge")
    words = [word for name in names for word in ("--machine", name)]
    code, out, err = typed("benchmark", *words, "--spot", "--yes")
    assert code == 0, err
    assert all(f"cryoem: {name}, spot: $0." in err for name in names)
    assert [(wish.where, wish.machine, wish.market) for wish in submitted.wishes] == [
        ("aws", name, "spot") for name in names
    ]
    assert {wish.count for wish in submitted.wishes} == {wish.hours for wish in submitted.wishes}
    small, large = (int(line.split()[1].replace(",", "")) for line in out.splitlines()[1:3])
    assert small < large
    assert '--gpu ""' in submitted.asked[0].script
    assert "later plans of this project know" in out


def test_nothing_is_rented_without_a_yes(
    folder: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = Submitted(monkeypatch, ran_s=100)
    code, _, err = typed("benchmark", "--machine", "g6.xlarge")
    assert (code != 0, submitted.asked) == (True, [])
    assert "--yes says yes" in err
    code, _, err = typed("benchmark", "--machine", "g9.mega", "--yes")
    assert (code != 0, submitted.asked) == (True, [])
    assert "no machine type 'g9.mega'" in err


def test_what_was_too_short_or_failed_is_said(
    folder: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    Submitted(monkeypatch, ran_s=20)
    code, out, _ = typed("benchmark", "--seconds", "20")
    assert code == 0
    assert "what took less than 60 s teaches nothing" in out
    failed = Submitted(monkeypatch, ran_s=0)
    failed.asked.append(Asked(project=folder, script=""))  # another number
    code, out, _ = typed("benchmark", "--seconds", "20")
    assert (code, "not measured" in out) == (1, True)
    assert failed.asked[-1].name == f"Benchmark/{platform.node()}-2"


@pytest.mark.soak
@pytest.mark.relion
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("relion_refine") is None, reason="no RELION")
def test_relion_is_measured_foreseen_and_remembered(user: User) -> None:
    seen: list[Forecast] = []
    here = user.places
    started = user.start("cryoem", "benchmark", "--seconds", "10", "--json")

    def ended() -> bool:
        seen.extend(card.forecast for card in Cards(here.state / "jobs").all() if card.forecast)
        return started.poll() is not None

    user.wait_for(ended, seconds=1700)
    out, _ = started.communicate()
    (row,) = json.loads(out)["benchmarks"]
    assert row["ran_s"] > 0
    project = tomllib.loads((user.folder / ".cryoem/project.toml").read_text())["name"]
    (found,) = Learnt(here.cache / "learnt").known(project)
    assert (found.kind, found.ran_s) == (platform.node(), row["ran_s"])
    assert found.work.items == row["particles"]
    told = list(dict.fromkeys(each.told for each in seen))
    assert len(told) >= 3
    assert all(each.startswith("iteration ") for each in told)
    last = seen[-1]
    assert last.left_s.p50 < row["ran_s"] / 2
