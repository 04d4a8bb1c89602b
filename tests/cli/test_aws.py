"""Administrators and users who type `cryoem aws …`, at a simulated AWS."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # moto brings it

from tests.cli.conftest import Type
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud

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


def test_setup_join_doctor_teardown(cloud: Cloud, type_: Type, tmp_path: Path) -> None:
    code, out, err = type_("setup")
    assert code == 0, err
    assert "While nothing runs it costs what the store holds" in err
    assert "cryoem aws join --region us-west-2" in out
    assert out.count("aws iam attach-group-policy") == 2

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
    assert "--tag cost" in err
