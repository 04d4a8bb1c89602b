"""The ledger beside AWS's bill, as users meet them."""

import json
import os
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.cli.standing import the_project
from cryoem_cloud.model.charge import Rate, Sighting, Witness
from cryoem_cloud.model.job import Job
from cryoem_cloud.stores import sellers
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.s3 import identity
from cryoem_cloud.wiring import stores
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.stores import store_at
from tests.cli.conftest import Type
from tests.ec2sim.cloud import Cloud

_TAGS = ("cryoem:stack", "cryoem:project")
NOW = datetime(2026, 11, 29, 4, tzinfo=UTC)


@pytest.fixture
def lab(cloud: Cloud, typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types `cryoem costs --check …` in a project whose store is a stack's; it is 29 November."""
    assert typed("aws", "setup")[0] == 0
    store = json.loads(typed("aws", "join", "--json")[1])["store"]
    monkeypatch.setenv("CRYOEM_STORE", store)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "default_pipeline.star").write_text("data_pipeline_general\n")
    monkeypatch.chdir(folder)
    assert typed("connect", "relion")[0] == 0
    monkeypatch.setattr(SystemClock, "now", lambda _: NOW)
    cloud.bill.today = NOW.date
    return lambda *words: typed("costs", "--check", *words)


def rented(hours: int, *, since: datetime, job: int = 7) -> None:
    """A Spot machine at a dollar an hour, in the ledger of the project that we stand in."""
    project = the_project()
    Ledger(store_at(project.store), project.name).put(
        Sighting(
            machine=f"i-{since:%m%d}",
            job=job,
            witness=Witness.PROVIDER,
            since=since,
            until=since + timedelta(hours=hours),
            ended=True,
            where="aws",
            kind="g6.xlarge",
            market="spot",
            region="us-west-2",
            rate=Rate(usd_per_hour=Decimal(1), source="a list"),
        ),
        "me",
    )


def bill(cloud: Cloud, day: date, usage_type: str, usd: str, *, project: str = "") -> None:
    tags = {"cryoem:stack": "cryoem", **({"cryoem:project": project} if project else {})}
    cloud.bill.add(day, "any", f"USW2-{usage_type}", usd, tags=tags)


def answer(said: tuple[int, str, str]) -> list[dict[str, Any]]:
    code, out, err = said
    assert code == 0, err
    lines: list[dict[str, Any]] = json.loads(out)["lines"]
    return lines


def test_what_aws_bills_stands_beside_what_the_ledger_says(lab: Type, cloud: Cloud) -> None:
    cloud.bill.activated = set(_TAGS)
    rented(4, since=datetime(2026, 11, 3, tzinfo=UTC))
    name = the_project().name
    bill(cloud, date(2026, 11, 3), "SpotUsage:g6.xlarge", "4.5", project=name)
    bill(cloud, date(2026, 11, 3), "SpotUsage:g6.xlarge", "99", project="else-0a1b2c3d")
    bill(cloud, date(2026, 11, 9), "TimedStorage-ByteHrs", "0.2")
    code, out, err = lab()
    assert code == 0, err
    assert out.splitlines() == [
        "MONTH    WHAT                  LEDGER  AWS    REMAINDER",
        "2026-11  machines on Spot      $4.00   $4.50  $0.50",
        "2026-11  files in the store *  $0.00   $0.20  $0.20",
        "in all                         $4.00   $4.70  $0.70",
    ]
    assert err.startswith("asking AWS Cost Explorer, which costs $0.01 a page …\n")
    for words in ("* with what has no project's tag", "still estimates", "about a day late"):
        assert words in err
    assert cloud.door.calls.count("ce.GetCostAndUsage") == 1


def test_less_than_a_cent_is_not_said_to_be_nothing(lab: Type, cloud: Cloud) -> None:
    cloud.bill.activated = set(_TAGS)
    bill(cloud, date(2026, 11, 3), "EBS:VolumeUsage.gp3", "0.001", project=the_project().name)
    code, out, err = lab()
    assert code == 0, err
    (row,) = (line.split() for line in out.splitlines() if "disks" in line)
    assert row[-3:] == ["$0.00", "<$0.01", "$0.00"]


@pytest.fixture
def _sold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator's S3 is at an address of our own, where nobody would ask money."""
    monkeypatch.setattr(identity, "s3_seller", lambda _: "aws")
    monkeypatch.setattr(sellers, "s3_seller", lambda _: "aws")
    stores._METERED.clear()
    store_at.cache_clear()


@pytest.mark.usefixtures("lab", "_sold")
def test_requests_and_bytes_home_are_those_that_the_simulator_was_asked_for(
    typed: Type, cloud: Cloud
) -> None:
    Path("Movies").mkdir()
    for name, size in (("a", 3_000_000), ("b", 20_000_000), ("c", 100)):
        Path("Movies", name).write_bytes(os.urandom(size))
    asked = cloud.door.of_store
    before = len(asked)
    assert typed("push", "Movies")[0] == 0
    sent = asked[before:]
    shutil.rmtree("Movies")
    assert typed("pull", "Movies")[0] == 0
    moved = asked[before:]
    code, out, err = typed("costs", "--json")
    assert code == 0, err
    charges = json.loads(out)["charges"]
    told = sum(charge["requests"] for charge in charges)
    assert told == sum(1 for name in moved if not name.startswith(("Delete", "Abort")))
    assert 0 < len(sent) < len(moved)
    home = sum(Decimal(charge["gigabytes"]) for charge in charges if charge["what"] == "egress")
    assert 23_000_100 <= home * 2**30 < 23_000_100 + 100_000
    (kept,) = (charge for charge in charges if charge["what"] == "store")
    assert (kept["type"], kept["job"]) == ("STANDARD", 0)
    held = Decimal(kept["gb_months"]) * 30 * 2**30
    assert 23_000_100 <= held < 23_000_100 + 100_000
    rows = typed("costs")[1].splitlines()
    assert [row.split()[0] for row in rows] == ["JOB", "project", "in"]
    assert "<$0.01" in rows[1]


def test_earlier_months_are_compared_one_by_one(lab: Type, cloud: Cloud) -> None:
    cloud.bill.activated = set(_TAGS)
    for month in (8, 9, 10):
        rented(month, since=datetime(2026, month, 3, tzinfo=UTC))
        bill(cloud, date(2026, month, 3), "SpotUsage", f"{month}", project=the_project().name)
    found = answer(lab("--since", "2026-09", "--json"))
    assert [(each["month"], each["remainder_usd"]) for each in found] == [
        ("2026-09", "0"),
        ("2026-10", "0"),
    ]
    assert not any(each["estimated"] for each in found)


def test_who_has_not_activated_the_tags_is_told_how(lab: Type, cloud: Cloud) -> None:
    rented(4, since=datetime(2026, 11, 3, tzinfo=UTC))
    bill(cloud, date(2026, 11, 3), "SpotUsage", "4", project=the_project().name)
    code, out, err = lab()
    assert (code, "-$4.00" in out) == (0, True)
    assert "TagKey=cryoem:project,Status=Active" in err


@pytest.mark.usefixtures("lab")
def test_costs_are_summed_up_by_the_group_of_who_submitted(typed: Type) -> None:
    project = the_project()
    store = store_at(project.store)
    for number, group in ((7, "em"), (8, "em"), (9, "")):
        rented(number, since=datetime(2026, 11, number, tzinfo=UTC), job=number)
        job = written(project=project.name, number=number, group=group)
        JobRecords(store, project.name, number).put_job(job)
    rented(1, since=datetime(2026, 11, 10, tzinfo=UTC), job=10)
    fields = json.loads(typed("costs", "--by", "group", "--json")[1])
    assert [(each["name"], each["usd"]) for each in fields["sums"]] == [
        ("em", "15"),
        ("unknown", "10"),
    ]
    assert {(each["job"], each["group"]) for each in fields["charges"]} == {
        (7, "em"),
        (8, "em"),
        (9, ""),
        (10, ""),
    }


def written(*, project: str, number: int, group: str) -> Job:
    return Job(
        number=number,
        project=project,
        name="a",
        application="shell",
        frontend="shell",
        script="true",
        script_path="",
        outputs=("a/",),
        logs={},
        log_starts={},
        submitter="ada@host",
        submitted_at="",
        group=group,
    )


def test_a_month_that_has_not_begun_costs_nothing(lab: Type, cloud: Cloud) -> None:
    code, _, err = lab("--since", "2026-12")
    assert (code, "has not begun" in err) == (2, True)
    assert "ce.GetCostAndUsage" not in cloud.door.calls


@pytest.mark.usefixtures("lab")
def test_a_store_that_is_none_of_a_stack_costs_nothing(
    typed: Type, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYOEM_STORE", (tmp_path / "store").as_uri())
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert typed("connect", "relion")[0] == 0
    code, _, err = typed("costs", "--check")
    assert (code, "no machines of an AWS account that you joined" in err) == (2, True)
    assert "asking" not in err
    assert "ce.GetCostAndUsage" not in cloud.door.calls
