"""What the tier of machines sees of an instance, through the seam."""

import pytest

from tests.ec2sim.asking import Client
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.seam import Instance


def launch(ec2: Client, image: str, **more: object) -> list[str]:
    made = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2, **more)
    return [each["InstanceId"] for each in made["Instances"]]


def test_what_the_machines_see_of_an_instance(cloud: Cloud, ec2: Client, image: str) -> None:
    ec2.create_key_pair(KeyName="mine")
    vpc = ec2.describe_vpcs()["Vpcs"][0]
    group = ec2.create_security_group(GroupName="mpi", Description="mpi", VpcId=vpc["VpcId"])
    ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "UserIdGroupPairs": [{"GroupId": group["GroupId"]}],
            },
            {
                "IpProtocol": "udp",
                "FromPort": 1,
                "ToPort": 2,
                "IpRanges": [{"CidrIp": "10.1.0.0/16"}],
            },
        ],
    )
    more = {"SecurityGroupIds": [group["GroupId"]], "KeyName": "mine", "InstanceType": "g5.xlarge"}
    first, second = (cloud.instance(each) for each in launch(ec2, image, **more))
    seen: Instance = first
    assert (seen.vcpus, seen.memory_mib, seen.nvme_gb) == (4, 16384, 250)
    assert (seen.region, seen.zone[:-1], seen.image) == ("us-east-1", "us-east-1", image)
    assert (seen.network, seen.account) == (vpc["CidrBlock"], "123456789012")
    assert seen.public_key.startswith("ssh-")
    assert (seen.role_name, seen.profile_arn, seen.user_data) == ("", "", b"")
    with pytest.raises(LookupError, match="has no role"):
        seen.credentials()
    by_protocol = {rule.protocol: rule for rule in seen.ingress}
    assert by_protocol["udp"].addresses == ("10.1.0.0/16",)
    assert set(by_protocol["tcp"].addresses) == {
        f"{first.private_ip}/32",
        f"{second.private_ip}/32",
    }
    assert (by_protocol["tcp"].from_port, by_protocol["tcp"].to_port) == (22, 22)
