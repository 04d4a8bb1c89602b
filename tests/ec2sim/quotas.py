"""Service Quotas: how many vCPUs of which machines an account may run at once in a region."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.ec2sim.refusals import Refusal

__all__ = ["QUOTAS", "Quota", "Quotas"]


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of EC2's that is counted in vCPUs."""

    code: str
    name: str
    families: frozenset[str]  # letters of instance types, or these and a generation
    market: str


_STANDARD = frozenset(["a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"])
_GRAPHICS = frozenset(["g", "gr", "vt"])

# Codes and names: Service Quotas, service code ec2.
QUOTAS = (
    Quota(
        "L-1216C47A",
        "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
        _STANDARD,
        "on-demand",
    ),
    Quota("L-DB2E81BA", "Running On-Demand G and VT instances", _GRAPHICS, "on-demand"),
    Quota(
        "L-34B43A08",
        "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
        _STANDARD,
        "spot",
    ),
    Quota("L-3819A6DF", "All G and VT Spot Instance Requests", _GRAPHICS, "spot"),
    Quota("L-417A185B", "Running On-Demand P instances", frozenset(["p"]), "on-demand"),
    Quota(
        "L-7212CCBC",
        "All P4, P3 and P2 Spot Instance Requests",
        frozenset(["p2", "p3", "p4"]),
        "spot",
    ),
    Quota("L-C4BD4855", "All P5 Spot Instance Requests", frozenset(["p5"]), "spot"),
    Quota("L-7295265B", "Running On-Demand X instances", frozenset(["x"]), "on-demand"),
    Quota("L-E3A00192", "All X Spot Instance Requests", frozenset(["x"]), "spot"),
)
_BY_CODE = {quota.code: quota for quota in QUOTAS}
_FAMILY = re.compile(r"([a-z]+)\d*")
_DEFAULT_VCPUS = 512


def quota_of(kind: str, market: str) -> Quota | None:
    """The quota that counts such machines; None if the simulator knows none."""
    found = _FAMILY.match(kind)
    words = {found[0], found[1]} if found else set()
    fitting = (each for each in QUOTAS if words & each.families and each.market == market)
    return next(fitting, None)


class Quotas:
    """The account's quotas, region by region."""

    def __init__(self) -> None:
        self._vcpus: dict[tuple[str, str], int] = defaultdict(lambda: _DEFAULT_VCPUS)
        self.requested: list[Mapping[str, object]] = []
        """Requests for more, as a test adds them with `request`."""

    def set(self, code: str, vcpus: int, *, region: str = "us-east-1") -> None:
        """Let the account have so many vCPUs."""
        if code not in _BY_CODE:
            raise LookupError(f"No quota {code} is simulated")
        self._vcpus[region, code] = vcpus

    def request(self, code: str, vcpus: int, *, status: str = "PENDING") -> None:
        """Let the account have asked for so many vCPUs."""
        self.requested.append(
            {"ServiceCode": "ec2", "QuotaCode": code, "DesiredValue": vcpus, "Status": status}
        )

    def check(
        self,
        kind: str,
        market: str,
        *,
        region: str,
        more: int,
        running: Iterable[tuple[str, str, int]],
    ) -> None:
        """See whether `more` vCPUs may join the running ones: (type, market, vCPUs) of each.

        Raises:
            Refusal: VcpuLimitExceeded or MaxSpotInstanceCountExceeded.
        """
        quota = quota_of(kind, market)
        if quota is None:
            return
        allowed = self._vcpus[region, quota.code]
        used = sum(vcpus for k, m, vcpus in running if quota_of(k, m) is quota)
        if used + more <= allowed:
            return
        if market == "spot":
            raise Refusal("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
        raise Refusal(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {allowed} "
            "allows for the instance bucket that the specified instance type belongs to. Please "
            "visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this "
            "limit.",
        )

    def get(self, service: str, code: str, region: str) -> Mapping[str, object]:
        """Service Quotas' answer about one.

        Raises:
            Refusal: There is no such quota.
        """
        if service != "ec2" or code not in _BY_CODE:
            raise Refusal("NoSuchResourceException", "The request failed because the specified "
                          "service does not exist.", status=400)  # fmt: skip
        return self._shown(_BY_CODE[code], region)

    def listed(self, service: str, region: str) -> list[Mapping[str, object]]:
        """Service Quotas' list."""
        if service != "ec2":
            raise Refusal("NoSuchResourceException", f"No service {service} is simulated.")
        return [self._shown(quota, region) for quota in QUOTAS]

    def _shown(self, quota: Quota, region: str) -> Mapping[str, object]:
        return {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{region}:123456789012:ec2/{quota.code}",
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": float(self._vcpus[region, quota.code]),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
