"""What AWS answers to who asks whether something would be done: DryRun, SimulatePrincipalPolicy."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client, Connect, code_of
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.iam import Request
from tests.ec2sim.test_permissions import TRUST


def policy(*actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(client: Client, action: str, **asked: Any) -> str:  # noqa: ANN401
    with pytest.raises(ClientError) as caught:
        getattr(client, action)(**asked)
    return code_of(caught.value)


def test_a_dry_run_does_nothing(connect: Connect, cloud: Cloud, image: str) -> None:
    ec2 = connect("ec2")
    data = {"ImageId": image, "InstanceType": "t3.micro"}
    template = {"LaunchTemplateName": "template", "LaunchTemplateData": data}
    dry = "DryRunOperation"
    assert refused(ec2, "create_launch_template", DryRun=True, **template) == dry
    assert not ec2.describe_launch_templates()["LaunchTemplates"]
    made = ec2.create_launch_template(**template)["LaunchTemplate"]["LaunchTemplateId"]
    launch = {"LaunchTemplate": {"LaunchTemplateName": "template"}, "MinCount": 1, "MaxCount": 1}
    assert refused(ec2, "run_instances", DryRun=True, **launch) == dry
    assert not cloud.living()
    tags = [{"Key": "a", "Value": "b"}]
    assert refused(ec2, "create_tags", DryRun=True, Resources=[made], Tags=tags) == dry
    assert refused(ec2, "delete_launch_template", DryRun=True, LaunchTemplateName="template") == dry
    assert [each.get("Tags", []) for each in ec2.describe_launch_templates()["LaunchTemplates"]]
    (instance,) = ec2.run_instances(**launch)["Instances"]
    named = {"InstanceIds": [instance["InstanceId"]]}
    assert refused(ec2, "terminate_instances", DryRun=True, **named) == dry
    name = instance["InstanceId"]
    assert refused(ec2, "get_console_output", DryRun=True, InstanceId=name) == dry
    assert cloud.living()


def test_a_dry_run_that_would_do_something_here_is_refused(connect: Connect) -> None:
    ec2 = connect("ec2")
    assert refused(ec2, "create_vpc", DryRun=True, CidrBlock="10.0.0.0/16") == "NotSimulated"
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_a_dry_run_says_what_may_not_be_done(
    connect: Connect, cloud: Cloud, session: botocore.session.Session
) -> None:
    iam = connect("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=policy("ec2:Describe*"))
    cloud.enforce_iam()
    ec2 = session.create_client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=cloud.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    assert refused(ec2, "describe_instances", DryRun=True) == "DryRunOperation"
    asked = {"DryRun": True, "LaunchTemplateName": "template"}
    assert refused(ec2, "delete_launch_template", **asked) == "UnauthorizedOperation"


def test_policies_are_simulated_by_an_independent_judge(connect: Connect, cloud: Cloud) -> None:
    iam = connect("iam")
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=policy("s3:*"))["Policy"]["Arn"]
    attached = iam.create_policy(PolicyName="p", PolicyDocument=policy("s3:Get*"))["Policy"]["Arn"]
    role = iam.create_role(
        RoleName="machines", AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=bound
    )["Role"]["Arn"]
    iam.attach_role_policy(RoleName="machines", PolicyArn=attached)
    iam.put_role_policy(RoleName="machines", PolicyName="own", PolicyDocument=policy("ec2:*"))
    asked = {
        "PolicySourceArn": role,
        "ActionNames": ["s3:GetObject", "s3:PutObject"],
        "ResourceArns": ["arn:aws:s3:::lab/a"],
        "ContextEntries": [
            {
                "ContextKeyName": "aws:TagKeys",
                "ContextKeyType": "stringList",
                "ContextKeyValues": ["a"],
            }
        ],
    }
    assert refused(iam, "simulate_principal_policy", **asked) == "NotSimulated"
    heard: list[Request] = []

    def judge(request: Request) -> bool:
        heard.append(request)
        return request.action == "s3:GetObject"

    cloud.judge = judge
    found = iam.simulate_principal_policy(**asked)["EvaluationResults"]
    assert [each["EvalDecision"] for each in found] == ["allowed", "implicitDeny"]
    assert heard[0].policies == [json.loads(policy("s3:Get*")), json.loads(policy("ec2:*"))]
    assert heard[0].boundary == json.loads(policy("s3:*"))
    assert heard[0].context == {"aws:TagKeys": ["a"]}
    nobody = {**asked, "PolicySourceArn": f"{role}2"}
    assert refused(iam, "simulate_principal_policy", **nobody) == "NoSuchEntity"
