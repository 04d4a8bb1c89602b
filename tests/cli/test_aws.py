"""Administrators and users who type `cryoem aws …`, at a simulated AWS."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
import yaml  # type: ignore[import-untyped]  # moto brings it
from moto.budgets.models import budgets_backends

from tests.cli.conftest import Type
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.stacks import ACCOUNT

REGION = "us-west-2"


@pytest.fixture
def type_(typed: Type) -> Type:
    """Types `cryoem aws …`: the exit code, the answer, and the talk."""
    return lambda *words: typed("aws", *words)


def answer(said: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = said
    assert code == 0, err
    fields: dict[str, Any] = json.loads(out)
    assert fields["v"] == 1
    return fields


def test_setup_names_all_policies_and_what_a_later_call_undoes(cloud: Cloud, type_: Type) -> None:
    code, out, err = type_("setup", "--ssh", "--sessions", "--tag", "cost-centre=42")
    assert code == 0, err
    assert "undoes" not in err
    assert [out.count(f"-us-west-2-{whose}\n") for whose in ("ssh", "sessions", "users")] == [1] * 3
    code, out, err = type_("setup", "--sessions")
    assert code == 0, err
    assert "This undoes --ssh, which the last setup had; to keep it, say it" in err
    assert "This undoes --tag cost-centre=42" in err
    assert "--sessions" not in err
    assert (out.count("-ssh\n"), out.count("-sessions\n")) == (0, 1)


def test_a_budget_is_made_changed_and_taken_away(cloud: Cloud, type_: Type) -> None:
    code, _, err = type_("setup", "--budget-email", "a@lab.org", "--budget-usd", "800")
    assert code == 0, err
    assert "a budget at AWS of 800 USD a month, which writes to\n  a@lab.org at 80 %" in err
    assert budgets(cloud) == [("800", "a@lab.org")]
    code, _, err = type_("setup", "--budget-email", "b@lab.org")
    assert (code, "This undoes --budget-usd 800" in err) == (0, True)
    assert budgets(cloud) == [("500", "b@lab.org")]
    code, _, err = type_("setup")
    assert (code, "This undoes --budget-email b@lab.org" in err) == (0, True)
    assert "--budget-usd" not in err
    assert budgets(cloud) == []


def budgets(cloud: Cloud) -> list[tuple[str, str]]:
    """The account's, and who is warned by each, at 80 and at 100 %."""
    found, backend = [], cast("Any", budgets_backends[ACCOUNT]["aws"])
    with cloud.lock:
        for each in backend.budgets[ACCOUNT].values():
            (first,), (second,) = (warning.subscribers for warning in each.notifications)
            assert first == second
            found.append((each.budget["BudgetLimit"]["Amount"], first["Address"]))
    return found


def test_setup_join_doctor_teardown(cloud: Cloud, type_: Type, tmp_path: Path) -> None:
    code, out, err = type_("setup")
    assert code == 0, err
    assert "While nothing runs it costs what the store holds" in err
    assert "cryoem aws join --region us-west-2" in out
    assert out.count("aws iam attach-group-policy") == 3

    joined = answer(type_("join", "--json"))
    assert joined["store"].startswith("s3://cryoem-store-")
    assert Path(joined["file"]) == tmp_path / ".config/cryoem-cloud/aws.json"

    checks = answer(type_("doctor", "--json"))["checks"]
    assert [check["what"] for check in checks if check["wrong"]] == []
    code, out, _ = type_("doctor")
    assert code == 0
    assert "quota L-DB2E81BA" in out

    bucket = joined["store"].split("/")[2]
    code, out, err = type_("teardown", "--yes")
    assert code == 0
    assert f"kept: the bucket {bucket}" in out
    assert f"--delete-data {bucket}" in out
    _, _, err = type_("setup")
    assert f"An earlier store is in the bucket {bucket}" in err
    type_("teardown", "--yes")
    (other,) = answer(type_("teardown", "--yes", "--json", "--delete-data", bucket))["buckets"]
    left = answer(type_("teardown", "--yes", "--json", "--delete-data", other))
    assert left == {"v": 1, "left": {}, "buckets": []}
    assert census(lambda service: cloud.stacks._inside.client(service, REGION)) == {}


def test_a_dry_run_prints_the_template_and_makes_nothing(cloud: Cloud, type_: Type) -> None:
    code, out, _ = type_("setup", "--dry-run", "--stack", "lab", "--tag", "cost=42")
    assert code == 0
    template = yaml.safe_load(out)
    assert {"Key": "cost", "Value": "42"} in template["Resources"]["Network"]["Properties"]["Tags"]
    assert census(lambda service: cloud.stacks._inside.client(service, REGION)) == {}


def test_teardown_asks_first(cloud: Cloud, type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    type_("setup")
    before = census(lambda service: cloud.stacks._inside.client(service, REGION))
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    code, _, err = type_("teardown")
    assert code != 0
    assert "1 CloudFormation stack" in err
    assert census(lambda service: cloud.stacks._inside.client(service, REGION)) == before


def test_a_user_without_credentials_is_told_what_to_do(
    cloud: Cloud, type_: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    code, out, err = type_("join")
    assert (code, out) == (10, "")
    assert "there are no AWS credentials" in err
    assert "aws configure sso" in err
    assert "Traceback" not in err


def test_who_names_no_region_is_asked_for_it(
    cloud: Cloud, type_: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION")
    code, _, err = type_("join")
    assert code == 2
    assert "--region" in err


def test_a_doctor_before_joining_says_join(cloud: Cloud, type_: Type) -> None:
    code, _, err = type_("doctor")
    assert code == 2
    assert "cryoem aws join" in err


def test_a_doctor_names_what_is_wrong(cloud: Cloud, type_: Type) -> None:
    type_("setup")
    type_("join")
    cloud.quotas.set("L-DB2E81BA", 0, region=REGION)
    code, out, _ = type_("doctor", "--machine", "g6.12xlarge")
    assert code == 1
    assert "have 0 vCPUs, need 48" in out
    assert "aws service-quotas request-service-quota-increase" in out


def test_a_tag_without_a_value_is_a_line(cloud: Cloud, type_: Type) -> None:
    code, _, err = type_("setup", "--tag", "cost")
    assert code == 2
    for taken in ("aws:x=1", "cryoem:raised=yes"):
        code, _, err = type_("setup", "--tag", taken)
        assert (code, "that name is taken" in err) == (2, True)
    assert "--tag cost" in err


@pytest.mark.parametrize("named", ["", "cry*", "Lab"])
def test_what_is_no_stacks_name_is_refused_before_anything_goes(
    cloud: Cloud, type_: Type, named: str
) -> None:
    """As of a shell's variable that is not set."""
    type_("setup")
    before = census(lambda service: cloud.stacks._inside.client(service, REGION))
    for command in (["teardown", "--yes"], ["join"], ["image", "ls"]):
        code, _, err = type_(*command, "--stack", named)
        assert code == 2
        assert "cannot be a stack's name" in err
    assert census(lambda service: cloud.stacks._inside.client(service, REGION)) == before


@pytest.mark.parametrize("data", [b"", b"[]", b'{"kind":"aws","v":2,"accounts":[5]}'])
def test_a_damaged_record_of_accounts_is_named(
    cloud: Cloud, type_: Type, tmp_path: Path, data: bytes
) -> None:
    file = tmp_path / ".config/cryoem-cloud/aws.json"
    type_("setup")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    for command in ("doctor", "join"):
        code, _, err = type_(command)
        assert code == 7
        assert f"{file} is damaged" in err
        assert "remove it, then: cryoem aws join" in err
