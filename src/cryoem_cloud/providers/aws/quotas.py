"""EC2's quotas of machines: how many vCPUs of which families an account may have at a time.

Imports no SDK.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cryoem_cloud.model.allowance import Allowance, is_of
from cryoem_cloud.model.offer import Market

__all__ = ["QUOTAS", "Quota", "allowances", "asks_for", "quotas_for"]

_SIZES = 8
"""Quotas are asked for in steps of so many vCPUs."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota of EC2's, counted in vCPUs, and the families of machines that it counts."""

    code: str
    market: Market
    families: frozenset[str]
    whose: str


_STANDARD = frozenset(["a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"])
_GRAPHICS = frozenset(["g", "gr", "vt"])
_STANDARD_WORDS, _GRAPHICS_WORDS = "A, C, D, H, I, M, R, T and Z", "G and VT"
QUOTAS = (
    Quota("L-1216C47A", Market.ON_DEMAND, _STANDARD, _STANDARD_WORDS),
    Quota("L-34B43A08", Market.SPOT, _STANDARD, _STANDARD_WORDS),
    Quota("L-DB2E81BA", Market.ON_DEMAND, _GRAPHICS, _GRAPHICS_WORDS),
    Quota("L-3819A6DF", Market.SPOT, _GRAPHICS, _GRAPHICS_WORDS),
    Quota("L-417A185B", Market.ON_DEMAND, frozenset(["p"]), "P"),
    Quota("L-7212CCBC", Market.SPOT, frozenset(["p2", "p3", "p4"]), "P2, P3 and P4"),
    Quota("L-C4BD4855", Market.SPOT, frozenset(["p5"]), "P5"),
    Quota("L-7295265B", Market.ON_DEMAND, frozenset(["x"]), "X"),
    Quota("L-E3A00192", Market.SPOT, frozenset(["x"]), "X"),
)
"""Codes of Service Quotas, service ec2 ("Amazon EC2 service quotas", EC2 user guide, and the tables
of on-demand and Spot quotas in "Amazon EC2 instance type quotas")."""


def quotas_for(kind: str) -> tuple[Quota, ...]:
    """Those that count machines of a type: on demand and Spot."""
    return tuple(quota for quota in QUOTAS if is_of(kind, quota.families))


def allowances(region: str, vcpus: Mapping[str, int]) -> tuple[Allowance, ...]:
    """What plans keep to, from vCPUs by the quotas' codes; others count for nothing."""
    return tuple(
        Allowance(
            region=region,
            market=quota.market,
            families=quota.families,
            vcpus=vcpus[quota.code],
            whose=quota.whose,
            more=_asks_for(quota, region),
        )
        for quota in QUOTAS
        if quota.code in vcpus
    )


def asks_for(quota: Quota, vcpus: int, region: str) -> str:
    """The command that asks AWS for at least so many vCPUs."""
    return f"{_asks_for(quota, region)} {math.ceil(vcpus / _SIZES) * _SIZES}"


def _asks_for(quota: Quota, region: str) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --region {region} --service-code ec2 "
        f"--quota-code {quota.code} --desired-value"
    )
