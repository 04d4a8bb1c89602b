"""The template is one that CloudFormation takes, and makes what it is to make."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # moto brings both
from cfnlint.api import ManualArgs, lint  # type: ignore[import-untyped]

from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.template import template
from cryoem_cloud.providers.aws.stack.yaml import as_yaml

PLAIN = Choices(
    region="us-west-2",
    zones=("us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"),
    agents={"x86_64": "@agent/00.tar.gz@00"},
)
GIVEN = Choices(
    region="eu-west-1",
    vpc="vpc-0123456789abcdef0",
    subnets=("subnet-0123456789abcdef0",),
    bucket="lab-data",
    prefix="groups/em",
    key="arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    boundary="arn:aws:iam::123456789012:policy/org",
    tags={"cost-centre": "42"},
    sessions=True,
)
OWN_KEY = replace(PLAIN, key=GIVEN.key)
WARNED = replace(PLAIN, budget_email="lab+aws@uni.example.org", budget_usd=800)
_MOST_BYTES = 51200
"""Of a template in a request (CloudFormation user guide, "quotas")."""


@pytest.mark.parametrize(
    "choices", [PLAIN, GIVEN, OWN_KEY, WARNED], ids=["plain", "given", "own key", "budget"]
)
def test_the_template_is_one(choices: Choices) -> None:
    made = template(choices)
    # Zones are those that the region has when setup is called: no function of AWS's makes so many.
    config = ManualArgs(regions=[choices.region], ignore_checks=["W3010"])
    found = lint(as_yaml(made), config=config)
    assert [str(each) for each in found] == []
    assert len(json.dumps(made)) < _MOST_BYTES


@pytest.mark.parametrize("choices", [PLAIN, GIVEN, WARNED], ids=["plain", "given", "budget"])
def test_yaml_reads_as_what_was_written(choices: Choices) -> None:
    assert yaml.safe_load(as_yaml(template(choices))) == template(choices)


def test_yaml_keeps_texts_that_look_like_something_else() -> None:
    odd: dict[str, Any] = {
        "no": "no", "a b": "1.0", "c": {"d": [], "e": {}}, "f": [["x", {"y": 1, "z": ["-"]}], True],
        "g": 'quo"te\n: #', "Fn::Sub": "${x}", "h:": "ü",
    }  # fmt: skip
    assert yaml.safe_load(as_yaml(odd)) == odd


def made(choices: Choices, kind: str) -> list[dict[str, Any]]:
    found = template(choices)["Resources"].values()
    return [each for each in found if each["Type"] == kind]


def test_every_zone_has_a_subnet_of_its_own() -> None:
    subnets = [each["Properties"] for each in made(PLAIN, "AWS::EC2::Subnet")]
    assert {each["AvailabilityZone"] for each in subnets} == set(PLAIN.zones)
    assert len({each["CidrBlock"] for each in subnets}) == len(subnets)


@pytest.mark.parametrize("choices", [PLAIN, GIVEN], ids=["plain", "given"])
def test_nobody_is_let_in_and_only_https_goes_out(choices: Choices) -> None:
    (gate,) = made(choices, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in gate["Properties"]
    (out,) = gate["Properties"]["SecurityGroupEgress"]
    assert (out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("tcp", 443, 443)


def test_a_bucket_is_private_encrypted_and_outlives_the_stack() -> None:
    (bucket,) = made(PLAIN, "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["UpdateReplacePolicy"] == "Retain"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    (rules,) = made(PLAIN, "AWS::S3::BucketPolicy")
    (tls,) = rules["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_no_rule_removes_an_only_copy() -> None:
    (bucket,) = made(PLAIN, "AWS::S3::Bucket")
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert set(rule) == {"Id", "Status", "AbortIncompleteMultipartUpload"}


def test_a_key_of_the_accounts_own_encrypts_the_bucket() -> None:
    (bucket,) = made(OWN_KEY, "AWS::S3::Bucket")
    (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == GIVEN.key


def test_what_is_given_is_not_made() -> None:
    kinds = {each["Type"] for each in template(GIVEN)["Resources"].values()}
    assert kinds == {"AWS::EC2::SecurityGroup", "AWS::IAM::ManagedPolicy"}


def test_everything_has_the_tags_of_the_stack_and_of_the_organisation() -> None:
    choices = replace(PLAIN, tags={"cost-centre": "42"})
    for each in template(choices)["Resources"].values():
        if "Tags" in each["Properties"]:
            tags = {tag["Key"]: tag["Value"] for tag in each["Properties"]["Tags"]}
            assert tags == {"cryoem:stack": "cryoem", "cost-centre": "42", "Name": "cryoem cryoem"}


def test_the_boundary_of_the_organisation_is_asked_of_every_role() -> None:
    (users,) = (
        each["Properties"]["PolicyDocument"]["Statement"]
        for each in made(GIVEN, "AWS::IAM::ManagedPolicy")
        if each["Properties"]["ManagedPolicyName"].endswith("-users")
    )
    (make,) = (each for each in users if each["Sid"] == "MakeRole")
    assert make["Condition"]["StringEquals"]["iam:PermissionsBoundary"] == GIVEN.boundary


@pytest.mark.parametrize(
    "wrong",
    [
        {"stack": "Has Space"},
        {"vpc": "vpc-1"},
        {"subnets": ("subnet-1",)},
        {"prefix": "/a"},
        {"key": "alias/x"},
        {"boundary": "org"},
        {"budget_email": "lab"},
        {"budget_email": "${AWS::AccountId}@a.org"},
    ],
    ids=str,
)
def test_choices_that_do_not_go_together_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        replace(PLAIN, **wrong)


def test_a_budget_is_made_where_somebody_wants_to_be_warned() -> None:
    assert made(PLAIN, "AWS::Budgets::Budget") == []
    (budget,) = (each["Properties"] for each in made(WARNED, "AWS::Budgets::Budget"))
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 800, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:cryoem:stack$cryoem"]}
    warnings = {
        each["Notification"]["Threshold"]: each["Subscribers"]
        for each in budget["NotificationsWithSubscribers"]
    }
    to = [{"SubscriptionType": "EMAIL", "Address": "lab+aws@uni.example.org"}]
    assert warnings == {80: to, 100: to}


def test_the_golden_template_is_what_is_printed() -> None:
    golden = Path(__file__).with_name("template.yaml")
    assert as_yaml(template(PLAIN)) == golden.read_text(encoding="utf-8")
