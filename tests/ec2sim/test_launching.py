"""RunInstances and what follows, where moto alone is rough."""

import base64
import json

import pytest
from botocore.exceptions import ClientError

from tests.ec2sim.asking import Client, Connect, code_of, states
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.noboot import NoBoot
from tests.ec2sim.seam import Instance


def launch(ec2: Client, image: str, **more: object) -> list[str]:
    wanted = {"ImageId": image, "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1, **more}
    return [each["InstanceId"] for each in ec2.run_instances(**wanted)["Instances"]]


def one(ec2: Client, instance_id: str) -> dict[str, object]:
    shown = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return dict(shown[0]["Instances"][0])


def test_instances_are_pending_first_and_as_many_as_the_most(
    cloud: Cloud, ec2: Client, image: str
) -> None:
    made = ec2.run_instances(ImageId=image, InstanceType="m5.large", MinCount=1, MaxCount=3)
    ids = [each["InstanceId"] for each in made["Instances"]]
    assert {each["State"]["Name"] for each in made["Instances"]} == {"pending"}
    assert states(ec2, ids) == ["pending"] * 3
    cloud.clock.skip(60)
    assert states(ec2, ids) == ["running"] * 3


def test_terminating_takes_its_time_and_says_why(cloud: Cloud, ec2: Client, image: str) -> None:
    ids = launch(ec2, image)
    cloud.clock.skip(60)
    change = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"][0]
    assert change["PreviousState"]["Name"] == "running"
    assert change["CurrentState"]["Name"] == "shutting-down"
    assert states(ec2, ids) == ["shutting-down"]
    cloud.clock.skip(60)
    shown = one(ec2, ids[0])
    assert shown["State"] == {"Code": 48, "Name": "terminated"}
    assert shown["StateReason"]["Code"] == "Client.UserInitiatedShutdown"  # type: ignore[index]
    assert ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
    assert states(ec2, ids) == ["terminated"]


@pytest.mark.parametrize(("behavior", "state"), [("stop", "stopped"), ("terminate", "terminated")])
def test_a_shutdown_from_inside_does_what_the_instance_was_told(
    cloud: Cloud, ec2: Client, image: str, *, behavior: str, state: str
) -> None:
    ids = launch(ec2, image, InstanceInitiatedShutdownBehavior=behavior)
    cloud.clock.skip(60)
    assert isinstance(cloud.machines, NoBoot)
    cloud.machines.shut_down(ids[0])
    cloud.clock.skip(60)
    shown = one(ec2, ids[0])
    assert shown["State"]["Name"] == state  # type: ignore[index]
    assert shown["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"  # type: ignore[index]


def test_a_stopped_instance_boots_again(cloud: Cloud, ec2: Client, image: str) -> None:
    booted: list[str] = []
    assert isinstance(cloud.machines, NoBoot)
    cloud.machines.on_boot = lambda instance: booted.append(instance.id)
    ids = launch(ec2, image)
    cloud.clock.skip(60)
    ec2.stop_instances(InstanceIds=ids)
    assert states(ec2, ids) == ["stopping"]
    cloud.clock.skip(60)
    assert states(ec2, ids) == ["stopped"]
    ec2.start_instances(InstanceIds=ids)
    cloud.clock.skip(60)
    assert states(ec2, ids) == ["running"]
    assert booted == ids * 2


def test_the_same_token_launches_once(ec2: Client, image: str) -> None:
    first = launch(ec2, image, ClientToken="job-7")
    assert launch(ec2, image, ClientToken="job-7") == first
    with pytest.raises(ClientError) as refused:
        launch(ec2, image, ClientToken="job-7", InstanceType="c5.large")
    assert code_of(refused.value) == "IdempotentParameterMismatch"
    other = launch(ec2, image, ClientToken="job-8")
    filters = [{"Name": "client-token", "Values": ["job-8"]}]
    shown = ec2.describe_instances(Filters=filters)["Reservations"]
    assert [each["InstanceId"] for each in shown[0]["Instances"]] == other


def test_user_data_has_its_limit(cloud: Cloud, ec2: Client, image: str) -> None:
    ids = launch(ec2, image, UserData="#!/bin/sh\n" + "x" * (16384 - 10))
    assert len(cloud.instance(ids[0]).user_data) == 16384
    with pytest.raises(ClientError, match="limited to 16384 bytes"):
        launch(ec2, image, UserData="x" * 16385)


def test_what_a_template_says_is_kept_and_a_request_overrides_it(
    cloud: Cloud, ec2: Client, image: str
) -> None:
    data = {
        "ImageId": image,
        "InstanceType": "c5.large",
        "UserData": base64.b64encode(b"#!/bin/sh\n").decode(),
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": "job", "Value": "7"}]},
            {"ResourceType": "volume", "Tags": [{"Key": "disk", "Value": "scratch"}]},
        ],
        "InstanceMarketOptions": {"MarketType": "spot"},
    }
    own = [{"ResourceType": "launch-template", "Tags": [{"Key": "own", "Value": "1"}]}]
    ec2.create_launch_template(
        LaunchTemplateName="job", LaunchTemplateData=data, TagSpecifications=own
    )
    versions = ec2.describe_launch_template_versions(LaunchTemplateName="job")
    told = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["TagSpecifications"]
    assert told == data["TagSpecifications"]
    made = ec2.run_instances(
        LaunchTemplate={"LaunchTemplateName": "job"},
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
    )["Instances"][0]
    seen: Instance = cloud.instance(made["InstanceId"])
    assert (seen.type, seen.market, seen.shutdown_behavior) == ("m5.large", "spot", "terminate")
    assert (seen.metadata.token_required, seen.metadata.hop_limit) == (True, 2)
    assert seen.user_data == b"#!/bin/sh\n"
    assert seen.tags["job"] == "7"
    assert "aws:ec2launchtemplate:id" in seen.tags
    shown = one(ec2, seen.id)
    assert shown["InstanceLifecycle"] == "spot"
    volumes = ec2.describe_volumes()["Volumes"]
    assert volumes[0]["Tags"] == [{"Key": "disk", "Value": "scratch"}]


def test_volumes_are_what_was_asked_for_and_go_with_the_instance(
    cloud: Cloud, ec2: Client, image: str
) -> None:
    root = ec2.describe_images(ImageIds=[image])["Images"][0]["RootDeviceName"]
    ebs = {"VolumeType": "gp3", "VolumeSize": 40, "Iops": 4000, "Throughput": 250}
    mappings = [
        {"DeviceName": root, "Ebs": ebs},
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 9, "Encrypted": True}},
        {"DeviceName": "/dev/sdg", "VirtualName": "ephemeral0"},
    ]
    ids = launch(ec2, image, BlockDeviceMappings=mappings)
    by_size = {each["Size"]: each for each in ec2.describe_volumes()["Volumes"]}
    assert set(by_size) == {40, 9}
    assert (by_size[40]["Iops"], by_size[40]["Throughput"]) == (4000, 250)
    assert by_size[9]["Encrypted"]
    ec2.terminate_instances(InstanceIds=ids)
    cloud.clock.skip(60)
    assert [each["Size"] for each in ec2.describe_volumes()["Volumes"]] == [9]
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_all_instances_have_the_profile_and_its_credentials(
    cloud: Cloud, ec2: Client, image: str, connect: Connect
) -> None:
    iam = connect("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(trust))
    iam.create_instance_profile(InstanceProfileName="worker")
    iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName="worker")
    ids = launch(ec2, image, MaxCount=2, IamInstanceProfile={"Name": "worker"})
    for each in ids:
        assert str(one(ec2, each)["IamInstanceProfile"]["Arn"]).endswith("/worker")  # type: ignore[index]
        given = cloud.instance(each).credentials()
        assert cloud.instance(each).credentials() == given
        assert given.secret_access_key not in repr(given)
    cloud.faults.profile_seconds = 60
    with pytest.raises(ClientError, match="Invalid IAM Instance Profile name"):
        launch(ec2, image, IamInstanceProfile={"Name": "worker"})
    cloud.clock.skip(60)
    assert launch(ec2, image, IamInstanceProfile={"Name": "worker"})


def test_capacity_is_by_type_zone_and_market(cloud: Cloud, ec2: Client, image: str) -> None:
    cloud.capacity.limit(0, kind="g5.xlarge", zone="us-east-1a")
    here = {"AvailabilityZone": "us-east-1a"}
    with pytest.raises(ClientError) as refused:
        launch(ec2, image, InstanceType="g5.xlarge", Placement=here)
    assert "sufficient g5.xlarge capacity in the Availability Zone" in str(refused.value)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert launch(ec2, image, InstanceType="g5.xlarge")
    assert launch(ec2, image, Placement=here)
    cloud.capacity.limit(2, kind="m5.large", market="spot")
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    assert len(launch(ec2, image, MaxCount=5, **spot)) == 2
    with pytest.raises(ClientError, match="no Spot capacity available"):
        launch(ec2, image, **spot)
    cloud.capacity.restore()
    assert launch(ec2, image, **spot)


def test_quotas_count_vcpus_of_what_runs(cloud: Cloud, ec2: Client, image: str) -> None:
    cloud.quotas.set("L-DB2E81BA", 4)
    cloud.quotas.set("L-34B43A08", 1)
    ids = launch(ec2, image, InstanceType="g5.xlarge")
    with pytest.raises(ClientError, match="current vCPU limit of 4 allows") as refused:
        launch(ec2, image, InstanceType="g4dn.xlarge")
    assert code_of(refused.value) == "VcpuLimitExceeded"
    with pytest.raises(ClientError) as refused:
        launch(ec2, image, InstanceMarketOptions={"MarketType": "spot"})
    assert code_of(refused.value) == "MaxSpotInstanceCountExceeded"
    ec2.terminate_instances(InstanceIds=ids)
    assert launch(ec2, image, InstanceType="g4dn.xlarge")


def test_what_is_not_there_cannot_be_launched(ec2: Client, image: str) -> None:
    with pytest.raises(ClientError) as refused:
        launch(ec2, "ami-00000000000000000")
    assert code_of(refused.value) == "InvalidAMIID.NotFound"
    with pytest.raises(ClientError) as refused:
        launch(ec2, image, InstanceType="g9.huge")
    assert code_of(refused.value) == "InvalidParameterValue"
    with pytest.raises(ClientError) as refused:
        launch(ec2, image, DryRun=True)
    assert code_of(refused.value) == "DryRunOperation"
    with pytest.raises(ClientError) as refused:
        ec2.create_fleet(
            LaunchTemplateConfigs=[{"LaunchTemplateSpecification": {"Version": "1"}}],
            TargetCapacitySpecification={"TotalTargetCapacity": 1},
        )
    assert code_of(refused.value) == "NotSimulated"
    with pytest.raises(ClientError, match="CpuOptions of a launch"):
        launch(ec2, image, CpuOptions={"CoreCount": 1, "ThreadsPerCore": 1})


def test_a_spot_instance_is_noticed_and_taken(cloud: Cloud, ec2: Client, image: str) -> None:
    ids = launch(ec2, image, InstanceMarketOptions={"MarketType": "spot"})
    cloud.clock.skip(60)
    cloud.interrupt(ids[0], notice=120)
    seen = cloud.instance(ids[0])
    assert seen.spot_action is not None
    assert seen.spot_action.action == "terminate"
    cloud.clock.skip(100)
    assert states(ec2, ids) == ["running"]
    cloud.clock.skip(60)
    assert states(ec2, ids) == ["terminated"]
    assert one(ec2, ids[0])["StateReason"]["Code"] == "Server.SpotInstanceTermination"  # type: ignore[index]


def test_what_a_hung_machine_says_and_shows(cloud: Cloud, ec2: Client, image: str) -> None:
    ids = launch(ec2, image)
    cloud.clock.skip(60)
    assert isinstance(cloud.machines, NoBoot)
    cloud.machines.hang(ids[0])
    status = ec2.describe_instance_status(InstanceIds=ids)["InstanceStatuses"][0]
    assert status["InstanceStatus"]["Status"] == "impaired"
    assert states(ec2, ids) == ["running"]
    assert ids[0] in ec2.get_console_output(InstanceId=ids[0])["Output"]
