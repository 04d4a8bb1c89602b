"""What an instance's metadata service knows, path by path."""

import json
from datetime import UTC, datetime

from tests.ec2sim.network import hardware_address
from tests.ec2sim.seam import Instance

__all__ = ["VERSIONS", "credentials", "listing", "metadata", "stamp"]

VERSIONS = (
    "1.0",
    *("2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01"),
    *("2008-09-01", "2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25"),
    *("2014-11-05", "2015-10-20", "2016-04-19", "2016-06-30", "2016-09-02", "2018-03-28"),
    *("2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03", "2021-03-23"),
    *("2021-07-15", "2022-09-24", "latest"),
)


def stamp(instant: datetime) -> str:
    """The instant as AWS writes it: whole seconds, UTC."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(instance: Instance, *, booted_at: datetime, now: datetime) -> dict[str, str]:
    """All leaves below the version, by their paths; the credentials' is empty: see there."""
    host = f"ip-{instance.private_ip.replace('.', '-')}.{_domain(instance.region)}"
    leaves = {
        "ami-id": instance.image,
        "ami-launch-index": "0",
        "hostname": host,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": instance.market,
        "instance-type": instance.type,
        "local-hostname": host,
        "local-ipv4": instance.private_ip,
        "mac": hardware_address(instance.private_ip),
        "placement/availability-zone": instance.zone,
        "placement/region": instance.region,
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
        **_interface(instance),
        **_announced(instance),
        **_identity(instance, now),
    }
    if instance.metadata.tags_enabled:
        leaves |= {f"tags/instance/{key}": value for key, value in instance.tags.items()}
    if instance.public_key:
        leaves["public-keys/0/openssh-key"] = instance.public_key
    found = {f"meta-data/{path}": text for path, text in leaves.items()}
    found["dynamic/instance-identity/document"] = _document(instance, booted_at)
    return found


def credentials(instance: Instance, now: datetime) -> str:
    """The document with the credentials of the instance's role.

    Raises:
        LookupError: It has none.
    """
    given = instance.credentials()
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": stamp(now),
            "Type": "AWS-HMAC",
            "AccessKeyId": given.access_key_id,
            "SecretAccessKey": given.secret_access_key,
            "Token": given.token,
            "Expiration": stamp(given.expires_at),
        },
        indent=2,
    )


def listing(leaves: dict[str, str], folder: str) -> str:
    """The names in a folder of the tree, one a line, as the service lists them; or nothing."""
    before = f"{folder}/" if folder else ""
    names = set()
    for path in leaves:
        if path.startswith(before):
            name, below, _ = path.removeprefix(before).partition("/")
            names.add(name + below)
    return "\n".join(sorted(names))


def _interface(instance: Instance) -> dict[str, str]:
    mac = hardware_address(instance.private_ip)
    about = {
        "device-number": "0",
        "local-ipv4s": instance.private_ip,
        "mac": mac,
        "vpc-ipv4-cidr-block": instance.network,
    }
    return {f"network/interfaces/macs/{mac}/{name}": text for name, text in about.items()}


def _announced(instance: Instance) -> dict[str, str]:
    found = {}
    if (spot := instance.spot_action) is not None:
        at = stamp(spot.at)
        found["spot/instance-action"] = json.dumps({"action": spot.action, "time": at})
        if spot.action == "terminate":
            found["spot/termination-time"] = at
    if (since := instance.rebalance_at) is not None:
        notice = json.dumps({"noticeTime": stamp(since)})
        found["events/recommendations/rebalance"] = notice
    if target := instance.lifecycle_target:
        found["autoscaling/target-lifecycle-state"] = target
    return found


def _identity(instance: Instance, now: datetime) -> dict[str, str]:
    if not instance.role_name:
        return {}
    profile = {"InstanceProfileArn": instance.profile_arn, "InstanceProfileId": "AIPAEC2SIM"}
    return {
        "iam/info": json.dumps({"Code": "Success", "LastUpdated": stamp(now)} | profile),
        f"iam/security-credentials/{instance.role_name}": "",
    }


def _document(instance: Instance, booted_at: datetime) -> str:
    return json.dumps(
        {
            "accountId": instance.account,
            "architecture": "x86_64",
            "availabilityZone": instance.zone,
            "imageId": instance.image,
            "instanceId": instance.id,
            "instanceType": instance.type,
            "pendingTime": stamp(booted_at),
            "privateIp": instance.private_ip,
            "region": instance.region,
            "version": "2017-09-30",
        },
        indent=2,
    )


def _domain(region: str) -> str:
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
