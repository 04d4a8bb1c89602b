"""An EC2 instance as the tier of machines sees it: moto's record, and what we keep beside it."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from moto.ec2.models import EC2Backend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance as Record
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.iam.models import Role, iam_backends
from moto.sts.models import sts_backends

from tests.ec2sim.seam import Credentials, Ingress, MetadataOptions, SpotAction

__all__ = ["Kept"]

_CREDENTIALS_LAST = timedelta(hours=6)
_RENEWED_BEFORE = timedelta(minutes=15)


@dataclass(slots=True)
class _Beside:
    """What moto's record has no place for."""

    launched_at: float  # of the simulator's clock
    market: str
    profile_arn: str
    spot_action: SpotAction | None = None
    rebalance_at: datetime | None = None
    impaired: bool = False
    handed: bool = False  # to the tier of machines
    target: str = "InService"


class Kept:
    """One instance. Fulfils `seam.Instance`."""

    def __init__(self, record: Record, launched_at: float, market: str, profile_arn: str) -> None:
        self.record = record
        self.beside = _Beside(launched_at, market, profile_arn)
        self._credentials: Credentials | None = None

    @property
    def id(self) -> str:
        return str(self.record.id)

    @property
    def region(self) -> str:
        return str(self.record.region_name)

    @property
    def zone(self) -> str:
        return str(self.record.placement.zone)

    @property
    def type(self) -> str:
        return str(self.record.instance_type)

    @property
    def image(self) -> str:
        return str(self.record.image_id)

    @property
    def state(self) -> str:
        """EC2's word for its state."""
        return str(self.record.state)

    @property
    def vcpus(self) -> int:
        return vcpus_of(self.type)

    @property
    def memory_mib(self) -> int:
        return int(INSTANCE_TYPES[self.type]["MemoryInfo"]["SizeInMiB"])

    @property
    def nvme_gb(self) -> int:
        return int(INSTANCE_TYPES[self.type].get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0))

    @property
    def private_ip(self) -> str:
        return str(self.record.private_ip)

    @property
    def network(self) -> str:
        return str(self.record.ec2_backend.get_vpc(self.record.vpc_id).cidr_block)

    @property
    def ingress(self) -> Sequence[Ingress]:
        return [
            _ingress(self.record.ec2_backend, rule)
            for group in self.record.security_groups
            for rule in group.ingress_rules
        ]

    @property
    def user_data(self) -> bytes:
        return base64.b64decode(str(self.record.user_data)) if self.record.user_data else b""

    @property
    def public_key(self) -> str:
        pair = self.record.ec2_backend.key_pairs.get(self.record.key_name)
        return str(pair.public_key) if pair else ""

    @property
    def account(self) -> str:
        return str(self.record.owner_id)

    @property
    def profile_arn(self) -> str:
        return self.beside.profile_arn

    @property
    def role_name(self) -> str:
        role = self._role()
        return str(role.name) if role else ""

    def credentials(self) -> Credentials:
        """The role's credentials, minted by the simulated STS."""
        role = self._role()
        if role is None:
            raise LookupError(f"{self.id} has no role: {self.profile_arn or 'no profile'}")
        now = datetime.now(UTC)
        if self._credentials is None or self._credentials.expires_at < now + _RENEWED_BEFORE:
            self._credentials = self._minted(role, now + _CREDENTIALS_LAST)
        return self._credentials

    @property
    def tags(self) -> Mapping[str, str]:
        return {tag["key"]: tag["value"] for tag in self.record.get_tags()}

    @property
    def metadata(self) -> MetadataOptions:
        options = self.record.metadata_options
        return MetadataOptions(
            enabled=options.http_endpoint == "enabled",
            token_required=options.http_tokens == "required",
            hop_limit=int(options.http_put_response_hop_limit),
            tags_enabled=options.instance_metadata_tags == "enabled",
        )

    @property
    def shutdown_behavior(self) -> str:
        return str(self.record.instance_initiated_shutdown_behavior)

    @property
    def market(self) -> str:
        return self.beside.market

    @property
    def lifecycle_target(self) -> str:
        return self.beside.target

    @property
    def spot_action(self) -> SpotAction | None:
        return self.beside.spot_action

    @property
    def rebalance_at(self) -> datetime | None:
        return self.beside.rebalance_at

    def _role(self) -> Role | None:
        profiles = iam_backends[self.account]["aws"].instance_profiles.values()
        fitting = (each for each in profiles if each.arn == self.profile_arn and each.roles)
        profile = next(fitting, None)
        return profile.roles[0] if profile else None

    def _minted(self, role: Role, expires_at: datetime) -> Credentials:
        assumed = sts_backends[self.account]["aws"].assume_role(
            region_name=self.region,
            role_session_name=self.id,
            role_arn=role.arn,
            policy="",
            duration=int(_CREDENTIALS_LAST.total_seconds()),
            external_id="",
        )
        return Credentials(
            assumed.access_key_id, assumed.secret_access_key, assumed.session_token, expires_at
        )


def vcpus_of(kind: str) -> int:
    """How many vCPUs a type of instance has."""
    return int(INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"])


def _ingress(backend: EC2Backend, rule: SecurityGroupRule) -> Ingress:
    addresses = [rule.ip_range["CidrIp"]] if rule.ip_range.get("CidrIp") else []
    if group := rule.source_group.get("GroupId"):
        addresses += [
            f"{each.private_ip}/32"
            for each in backend.all_instances()
            if each.state_code <= 16 and any(own.id == group for own in each.security_groups)
        ]
    return Ingress(str(rule.ip_protocol), rule.from_port, rule.to_port, tuple(addresses))
