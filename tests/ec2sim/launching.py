"""Launching: what RunInstances and Auto Scaling ask for becomes instances, or is refused."""

import base64
import binascii
import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES
from moto.ec2.models.subnets import Subnet
from moto.ec2.utils import convert_tag_spec
from moto.iam.models import InstanceProfile, iam_backends

from tests.ec2sim.capacity import Capacity, Pool
from tests.ec2sim.faults import Faults
from tests.ec2sim.instances import Kept, vcpus_of
from tests.ec2sim.known import LAUNCH, check_known
from tests.ec2sim.life import LIVING, Life
from tests.ec2sim.quotas import Quotas
from tests.ec2sim.refusals import Refusal
from tests.ec2sim.volumes import attach_volumes

__all__ = ["Launcher", "Order", "market_of", "merged", "offered", "offered_in"]

_USER_DATA_BYTES = 16384


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be launched, where: RunInstances' parameters, the template's among them."""

    account: str
    region: str
    wanted: Mapping[str, Any]
    template: tuple[str, int] | None = None  # its id, and its version
    least: int = 1
    most: int = 1


def merged(template: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """A template's parameters, overridden by those of the request; tags of both."""
    both = {**copy.deepcopy(dict(template)), **copy.deepcopy(dict(request))}
    specifications = [
        *template.get("TagSpecifications", []),
        *request.get("TagSpecifications", []),
    ]
    if specifications:
        both["TagSpecifications"] = specifications
    return both


def market_of(wanted: Mapping[str, Any]) -> str:
    """`spot` or `on-demand`."""
    return str(wanted.get("InstanceMarketOptions", {}).get("MarketType") or "on-demand")


def offered(kind: str, region: str) -> list[str]:
    """The zones of the region that have the type at all."""
    offers = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
    return sorted(each["Location"] for each in offers if each["InstanceType"] == kind)


@cache
def offered_in(region: str) -> frozenset[str]:
    """The types that the region has."""
    offers = INSTANCE_TYPE_OFFERINGS["region"].get(region, [])
    return frozenset(each["InstanceType"] for each in offers)


class Launcher:
    """Launches, within what there is and what the account may have."""

    def __init__(self, life: Life, capacity: Capacity, quotas: Quotas, faults: Faults) -> None:
        self._life = life
        self._capacity = capacity
        self._quotas = quotas
        self._faults = faults
        self._profiles_made: dict[str, float] = {}

    def profile_made(self, asked: Mapping[str, Any]) -> None:
        """Note when an instance profile was made: a fault may keep it from being used at once."""
        self._profiles_made[asked["InstanceProfileName"]] = self._life.now()

    def check(self, order: Order) -> None:
        """See whether the order is one that could be launched at all.

        Raises:
            Refusal: As RunInstances refuses.
        """
        wanted = order.wanted
        check_known(wanted, LAUNCH, "a launch")
        if not wanted.get("ImageId"):
            raise Refusal("MissingParameter", "The request must contain the parameter ImageId")
        kind = wanted.get("InstanceType", "m1.small")
        if kind not in INSTANCE_TYPES or not offered(kind, order.region):
            raise Refusal("InvalidParameterValue", f"Invalid value '{kind}' for InstanceType.")
        _check_user_data(wanted.get("UserData"))
        backend = ec2_backends[order.account][order.region]
        backend.describe_images(ami_ids=[wanted["ImageId"]])
        if wanted.get("KeyName"):
            backend.describe_key_pairs(key_names=[wanted["KeyName"]])
        self._profile(order)

    def launch(self, order: Order) -> list[Kept]:
        """Launch as many as can be had, but not fewer than the least.

        Raises:
            Refusal: As RunInstances refuses.
        """
        self.check(order)
        kind, market = order.wanted.get("InstanceType", "m1.small"), market_of(order.wanted)
        subnet = self._subnet(order, kind, market)
        pool = Pool(kind, subnet.availability_zone, market)
        count = min(order.most, self._capacity.left(pool))
        if count < order.least:
            raise self._sold_out(pool, order.region)
        self._check_quota(order, kind, market, count)
        self._capacity.take(pool, count)
        return self._launched(order, subnet, count)

    def _check_quota(self, order: Order, kind: str, market: str, count: int) -> None:
        running = [
            (each.type, each.market, each.vcpus)
            for each in self._life
            if each.region == order.region and each.state in LIVING
        ]
        self._quotas.check(
            kind, market, region=order.region, more=count * vcpus_of(kind), running=running
        )

    def _subnet(self, order: Order, kind: str, market: str) -> Subnet:
        backend = ec2_backends[order.account][order.region]
        wanted = order.wanted
        named = wanted.get("SubnetId") or _subnet_of_interface(wanted)
        zone = wanted.get("Placement", {}).get("AvailabilityZone")
        zones = offered(kind, order.region)
        subnet = backend.get_subnet(named) if named else None
        if subnet is not None:
            zone = subnet.availability_zone
        if zone and zone not in zones:
            raise Refusal(
                "Unsupported",
                f"Your requested instance type ({kind}) is not supported in your requested "
                f"Availability Zone ({zone}). Please retry your request by not specifying an "
                f"Availability Zone or choosing {', '.join(zones)}.",
            )
        if subnet is not None:
            return subnet
        pool = Pool(kind, zone or zones[0], market)
        choice = [zone] if zone else self._capacity.zones_with(pool, zones) or zones
        return _default_subnet(backend, choice)

    def _sold_out(self, pool: Pool, region: str) -> Refusal:
        if pool.market == "spot":
            message = "There is no Spot capacity available that matches your request."
            return Refusal("InsufficientInstanceCapacity", message, status=500)
        others = self._capacity.zones_with(pool, offered(pool.type, region))
        message = (
            f"We currently do not have sufficient {pool.type} capacity in the Availability Zone "
            f"you requested ({pool.zone}). Our system will be working on provisioning additional "
            "capacity."
        )
        if others:
            message += (
                f" You can currently get {pool.type} capacity by not specifying an Availability "
                f"Zone in your request or choosing {', '.join(others)}."
            )
        return Refusal("InsufficientInstanceCapacity", message, status=500)

    def _profile(self, order: Order) -> InstanceProfile | None:
        wanted = order.wanted.get("IamInstanceProfile")
        if not wanted:
            return None
        profiles = iam_backends[order.account]["aws"].instance_profiles.values()
        for each in profiles:
            if wanted in ({"Name": each.name}, {"Arn": each.arn}) and self._usable(each):
                return each
        field, value = ("arn", wanted["Arn"]) if "Arn" in wanted else ("name", wanted.get("Name"))
        raise Refusal(
            "InvalidParameterValue",
            f"Value ({value}) for parameter iamInstanceProfile.{field} is invalid. Invalid IAM "
            f"Instance Profile {'ARN' if field == 'arn' else 'name'}",
        )

    def _usable(self, profile: InstanceProfile) -> bool:
        made = self._profiles_made.get(profile.name)
        return made is None or self._life.now() - made >= self._faults.profile_seconds

    def _launched(self, order: Order, subnet: Subnet, count: int) -> list[Kept]:
        backend = ec2_backends[order.account][order.region]
        wanted = order.wanted
        tags = convert_tag_spec(wanted.get("TagSpecifications", []))
        reservation = backend.run_instances(
            wanted["ImageId"], count, _user_data(wanted),
            _groups_by_name(wanted),
            **_for_moto(order, subnet, tags.get("instance", {})),
        )  # fmt: skip
        profile = self._profile(order)
        kept = []
        for record in reservation.instances:
            attach_volumes(backend, record, wanted, tags.get("volume", {}))
            for card in record.nics.values():
                card.delete_on_termination = _goes_with_instance(wanted)
            if profile is not None:
                backend.associate_iam_instance_profile(
                    instance_id=record.id, iam_instance_profile_arn=profile.arn
                )
            arn = profile.arn if profile is not None else ""
            kept.append(self._life.launched(record, market=market_of(wanted), profile_arn=arn))
        return kept


def _for_moto(order: Order, subnet: Subnet, tags: Mapping[str, str]) -> dict[str, Any]:
    wanted = order.wanted
    interfaces = wanted.get("NetworkInterfaces", [])
    public = interfaces[0].get("AssociatePublicIpAddress") if interfaces else None
    if order.template:
        launched_by = {
            "aws:ec2launchtemplate:id": order.template[0],
            "aws:ec2launchtemplate:version": str(order.template[1]),
        }
        tags = {**launched_by, **tags}
    return {
        "instance_type": wanted.get("InstanceType", "m1.small"),
        "is_instance_type_default": False,
        "region_name": order.region,
        "subnet_id": subnet.id,
        "key_name": wanted.get("KeyName"),
        "security_group_ids": _groups(wanted, interfaces),
        "private_ip": wanted.get("PrivateIpAddress"),
        "associate_public_ip": public,
        "tags": {"instance": dict(tags)},
        "ebs_optimized": bool(wanted.get("EbsOptimized")),
        "disable_api_termination": bool(wanted.get("DisableApiTermination")),
        "instance_initiated_shutdown_behavior": wanted.get("InstanceInitiatedShutdownBehavior"),
        "monitoring_state": "enabled"
        if wanted.get("Monitoring", {}).get("Enabled")
        else "disabled",
        "metadata_options": wanted.get("MetadataOptions", {}),
        "client_token": wanted.get("ClientToken", ""),
        "block_device_mappings": [],  # ours: `volumes`
    }


def _goes_with_instance(wanted: Mapping[str, Any]) -> bool:
    """Whether the network interface that is made at launch ends with the instance."""
    interfaces = wanted.get("NetworkInterfaces", [])
    return bool(interfaces[0].get("DeleteOnTermination", True)) if interfaces else True


def _groups(wanted: Mapping[str, Any], interfaces: Sequence[Mapping[str, Any]]) -> list[str]:
    of_interface = interfaces[0].get("Groups", []) if interfaces else []
    return [*wanted.get("SecurityGroupIds", []), *of_interface]


def _groups_by_name(wanted: Mapping[str, Any]) -> list[str]:
    return list(wanted.get("SecurityGroups", []))


def _subnet_of_interface(wanted: Mapping[str, Any]) -> str | None:
    interfaces = wanted.get("NetworkInterfaces", [])
    return interfaces[0].get("SubnetId") if interfaces else None


def _default_subnet(backend: EC2Backend, zones: Iterable[str]) -> Subnet:
    subnets = backend.get_default_subnets()
    for zone in zones:
        if zone in subnets:
            return subnets[zone]
    raise Refusal("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")


def _user_data(wanted: Mapping[str, Any]) -> Base64EncodedString | None:
    encoded = wanted.get("UserData")
    return Base64EncodedString(str(encoded)) if encoded else None


def _check_user_data(encoded: object) -> None:
    if not encoded:
        return
    try:
        size = len(base64.b64decode(str(encoded), validate=True))
    except binascii.Error as error:
        raise Refusal(
            "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."
        ) from error
    if size > _USER_DATA_BYTES:
        raise Refusal("InvalidParameterValue", "User data is limited to 16384 bytes")
