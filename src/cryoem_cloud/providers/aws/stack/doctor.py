"""`cryoem aws doctor`: looks at all that a job at AWS needs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cryoem_cloud.model.errors import CryoemError, ProviderError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.images import image_for
from cryoem_cloud.providers.aws.kinds import described
from cryoem_cloud.providers.aws.prices import on_demand_usd
from cryoem_cloud.providers.aws.quotas import quotas_for
from cryoem_cloud.providers.aws.stack.checks import Check, check_gate, check_quota, check_subnet
from cryoem_cloud.providers.aws.stack.join import reach_store
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder

__all__ = ["Doctor"]

_ABSENT = ("NoSuchEntity", "NoSuchEntityException", "AccessDenied", "AccessDeniedException")
_SERVICE_ROLES = {
    "AWSServiceRoleForAutoScaling": "autoscaling.amazonaws.com",
    "AWSServiceRoleForEC2Spot": "spot.amazonaws.com",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Looks at an account; `kinds` are the machine types of which one is to be had at least.

    `prices` are calls to a region that has AWS's price list.
    """

    calls: Calls
    prices: Calls
    account: Account
    kinds: tuple[str, ...]

    def checks(self) -> Iterator[Check]:
        """All checks, as they are made; what cannot even be looked at is one that is wrong."""
        try:
            found = self.calls.ask("sts", "get_caller_identity")
        except CryoemError as error:
            yield Check("credentials", error.message, error.hint)
            return
        yield Check("credentials", f"{found['Arn']}, in {self.account.region}")
        looks: dict[str, Callable[[], Iterable[Check]]] = {
            "quotas": self._quotas,
            "network": self._network,
            "store": self._store,
            "roles": self._roles,
            "ssh": self._ssh,
            "image": self._image,
            "prices": self._prices,
        }
        for what, look in looks.items():
            try:
                yield from look()
            except CryoemError as error:
                yield Check(what, error.message, error.hint or "see what the message says")

    def _quotas(self) -> Iterator[Check]:
        for kind in self.kinds:
            need = described(self.calls, kind)["VCpuInfo"]["DefaultVCpus"]
            for quota in quotas_for(kind):
                have = self._of_quota("get_service_quota", quota.code)
                requested = self._of_quota(
                    "list_requested_service_quota_change_history_by_quota", quota.code
                )
                yield check_quota(
                    quota,
                    float(have["Quota"]["Value"]),
                    need=int(need),
                    kind=kind,
                    requested=requested["RequestedQuotas"],
                    region=self.account.region,
                )

    def _of_quota(self, action: str, code: str) -> dict[str, Any]:
        return self.calls.ask("service-quotas", action, ServiceCode="ec2", QuotaCode=code)

    def _network(self) -> Iterator[Check]:
        subnets = self._subnets()
        missing = sorted(set(self.account.subnets) - {each["SubnetId"] for each in subnets})
        for name in missing:
            yield Check(f"subnet {name}", "is not there", "cryoem aws setup, then cryoem aws join")
        vpcs = [{"Name": "vpc-id", "Values": sorted({each["VpcId"] for each in subnets})}]
        tables = list(self.calls.pages("ec2", "describe_route_tables", "RouteTables", Filters=vpcs))
        endpoints = list(
            self.calls.pages("ec2", "describe_vpc_endpoints", "VpcEndpoints", Filters=vpcs)
        )
        for subnet in subnets:
            yield from check_subnet(subnet, tables, endpoints)
        gates = self.calls.ask(
            "ec2",
            "describe_security_groups",
            Filters=[{"Name": "group-id", "Values": [self.account.security_group]}],
        )["SecurityGroups"]
        for gate in gates:
            yield from check_gate(gate)
        if not gates:
            name = f"security group {self.account.security_group}"
            yield Check(name, "is not there", "cryoem aws setup, then cryoem aws join")

    def _subnets(self) -> list[dict[str, Any]]:
        filters = [{"Name": "subnet-id", "Values": list(self.account.subnets)}]
        return list(self.calls.pages("ec2", "describe_subnets", "Subnets", Filters=filters))

    def _store(self) -> Iterator[Check]:
        bucket, _ = bucket_and_folder(self.account.store)
        reach_store(self.calls, self.account)
        yield Check("store", f"{self.account.store} answers, and has the agent")
        place = self.calls.ask("s3", "get_bucket_location", Bucket=bucket)
        region = place.get("LocationConstraint") or "us-east-1"
        if region == self.account.region:
            yield Check("store's region", region)
        else:
            mend = "cryoem aws setup in that region: what crosses regions is slow, and charged"
            yield Check("store's region", f"{region}, and machines in {self.account.region}", mend)
        yield self._privacy(bucket)

    def _privacy(self, bucket: str) -> Check:
        mend = (
            f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-"
            "configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,"
            "RestrictPublicBuckets=true"
        )
        try:
            found = self.calls.ask(
                "s3",
                "get_public_access_block",
                expected=("NoSuchPublicAccessBlockConfiguration",),
                Bucket=bucket,
            )["PublicAccessBlockConfiguration"]
        except Refused:
            found = {"": False}
        if all(found.values()):
            return Check("store's privacy", "public access is blocked")
        return Check("store's privacy", "public access is not blocked", mend)

    def _roles(self) -> Iterator[Check]:
        policy = self.account.machine_policy
        again = "the administrator calls cryoem aws setup once more"
        if self._there("get_policy", PolicyArn=policy):
            yield Check("policy of machines", policy)
        else:
            yield Check("policy of machines", f"{policy} is not there", again)
        for role, service in _SERVICE_ROLES.items():
            if self._there("get_role", RoleName=role):
                yield Check(f"role of {service}", role)
            else:
                mend = (
                    f"{again}, or: aws iam create-service-linked-role --aws-service-name {service}"
                )
                yield Check(f"role of {service}", f"{role} is not there", mend)

    def _ssh(self) -> Iterator[Check]:
        said = "off: no job opens a port (an administrator's cryoem aws setup --ssh changes that)"
        if self.account.ssh:
            said = "jobs may open port 22 to who submits them (--allow-ssh), who has the policy ssh"
        yield Check("ssh", said)

    def _there(self, action: str, **asked: object) -> bool:
        try:
            self.calls.ask("iam", action, expected=_ABSENT, **asked)
        except Refused:
            return False
        return True

    def _image(self) -> Iterator[Check]:
        for architecture in sorted(self.account.agents) or ["x86_64"]:
            try:
                image = image_for(self.calls, self.account, architecture)
            except ProviderError as error:
                mend = "the administrator calls cryoem aws setup with another --image"
                yield Check(f"image for {architecture}", error.message, error.hint or mend)
            else:
                yield Check(f"image for {architecture}", image.id)

    def _prices(self) -> Iterator[Check]:
        for kind in self.kinds:
            usd = on_demand_usd(self.prices, kind, self.account.region)
            if usd is not None:
                yield Check(f"price of {kind}", f"{usd:.3f} USD an hour on demand")
            else:
                mend = "choose another machine type"
                yield Check(f"price of {kind}", f"{self.account.region} does not sell it", mend)
