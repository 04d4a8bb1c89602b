"""CloudFormation makes what a template says, whole or not at all."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client, Connect, code_of
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
GROUP = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {
        "GroupDescription": "d",
        "VpcId": {"Ref": "Net"},
        "SecurityGroupEgress": [
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0",
             "Description": "out"}
        ],
    },
}  # fmt: skip


@pytest.fixture
def cloudformation(connect: Connect) -> Client:
    return connect("cloudformation")


def apply(cloudformation: Client, resources: dict[str, Any], *, new: bool = True) -> str:
    """The status of the change set; executed where there is a change."""
    template = {"Resources": resources, "Outputs": {"Net": {"Value": {"Ref": "Net"}}}}
    cloudformation.create_change_set(
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="CREATE" if new else "UPDATE",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    found = cloudformation.describe_change_set(StackName="s", ChangeSetName="c")
    if found["Status"] == "CREATE_COMPLETE":
        cloudformation.execute_change_set(StackName="s", ChangeSetName="c")
    return str(found["Status"])


def statuses(cloudformation: Client, count: int) -> list[str]:
    found = [cloudformation.describe_stacks(StackName="s")["Stacks"][0] for _ in range(count)]
    return [str(each["StackStatus"]) for each in found]


def test_a_stack_is_made_and_deleted(cloudformation: Client, connect: Connect) -> None:
    assert apply(cloudformation, {"Net": VPC, "Gate": GROUP}) == "CREATE_COMPLETE"
    assert statuses(cloudformation, 3) == ["CREATE_IN_PROGRESS"] * 2 + ["CREATE_COMPLETE"]
    (net,) = census(connect)["vpcs"]
    (output,) = cloudformation.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    assert output["OutputValue"] == net
    groups = connect("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": ["s-Gate-*"]}]
    )["SecurityGroups"]
    assert [rule["FromPort"] for rule in groups[0]["IpPermissionsEgress"]] == [443]
    cloudformation.delete_stack(StackName="s")
    statuses(cloudformation, 2)
    with pytest.raises(ClientError, match="does not exist"):
        statuses(cloudformation, 1)
    assert census(connect) == {}


def test_the_same_template_changes_nothing(cloudformation: Client) -> None:
    apply(cloudformation, {"Net": VPC})
    statuses(cloudformation, 2)
    assert apply(cloudformation, {"Net": VPC}, new=False) == "FAILED"


def test_what_fails_leaves_nothing(cloud: Cloud, cloudformation: Client, connect: Connect) -> None:
    cloud.stacks.failing["Gate"] = "no luck"
    apply(cloudformation, {"Net": VPC, "Gate": GROUP})
    assert statuses(cloudformation, 3)[-1] == "ROLLBACK_COMPLETE"
    assert census(connect).keys() == {"stacks"}
    (event,) = [
        each
        for each in cloudformation.describe_stack_events(StackName="s")["StackEvents"]
        if each["ResourceStatus"] == "CREATE_FAILED"
    ]
    assert event["ResourceStatusReason"] == "no luck"
    with pytest.raises(ClientError, match="can not be updated"):
        apply(cloudformation, {"Net": VPC}, new=False)


def test_what_is_in_use_is_not_deleted(cloudformation: Client, connect: Connect) -> None:
    apply(cloudformation, {"Net": VPC})
    (net,) = census(connect)["vpcs"]
    connect("ec2").create_subnet(VpcId=net, CidrBlock="10.0.1.0/24")
    cloudformation.delete_stack(StackName="s")
    assert statuses(cloudformation, 3)[-1] == "DELETE_FAILED"


def test_a_property_that_would_be_passed_over_is_refused(cloudformation: Client) -> None:
    odd = {**VPC, "Properties": {**VPC["Properties"], "InstanceTenancy": "dedicated"}}  # type: ignore[dict-item]
    with pytest.raises(ClientError) as refused:
        apply(cloudformation, {"Net": odd})
    assert code_of(refused.value) == "NotSimulated"
