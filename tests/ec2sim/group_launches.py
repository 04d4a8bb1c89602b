"""One launch of an Auto Scaling group: which market, which zones, which pools, until one has it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends

from tests.ec2sim.balance import market_for_next, pools_in_order
from tests.ec2sim.capacity import Capacity, Pool
from tests.ec2sim.groups import Group
from tests.ec2sim.instances import Kept
from tests.ec2sim.launching import Launcher, Order, market_of, merged, offered
from tests.ec2sim.pricing import Prices
from tests.ec2sim.templates import template_of

__all__ = ["GroupLauncher", "LaunchFailedError", "template_named"]

# After these the next pool is tried: only the pool is exhausted, or lacks the type.
_NEXT_POOL = frozenset({"InsufficientInstanceCapacity", "Unsupported"})


@dataclass(frozen=True, slots=True)
class _Choice:
    """A type of machine that the group may launch, and the template for it."""

    type: str
    template: Mapping[str, Any]


class LaunchFailedError(Exception):
    """No pool had it, or the account may not."""

    def __init__(self, error: ServiceException, zone: str, market: str) -> None:
        super().__init__(error.message)
        self.error = error
        self.zone = zone
        self.market = market


def template_named(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """The launch template that a group, mixed or not, was given."""
    if "LaunchTemplate" in asked:
        return dict(asked["LaunchTemplate"])
    return dict(asked["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"])


class GroupLauncher:
    """Launches instances for groups."""

    def __init__(self, launcher: Launcher, capacity: Capacity, prices: Prices) -> None:
        self._launcher = launcher
        self._capacity = capacity
        self._prices = prices

    def launch(self, group: Group, zones: Sequence[str]) -> tuple[Kept, Mapping[str, str]]:
        """Launch one instance, in the first of the zones that has it; and say by which template.

        Raises:
            LaunchFailedError: Nowhere.
        """
        failed: LaunchFailedError | None = None
        for zone in zones:
            market = self._market(group)
            for choice in self._choices(group, zone, market):
                order, template = _order(group, zone, choice, market)
                try:
                    return self._launcher.launch(order)[0], template
                except ServiceException as error:
                    failed = failed or LaunchFailedError(error, zone, market)
                    if error.code not in _NEXT_POOL:
                        raise LaunchFailedError(error, zone, market) from error
        if failed is None:
            raise LaunchFailedError(_nowhere(), zones[0], self._market(group))
        raise failed

    def _market(self, group: Group) -> str:
        mixed = group.asked.get("MixedInstancesPolicy")
        if mixed is None:
            return market_of(
                template_of(group.account, group.region, template_named(group.asked))[2]
            )
        return market_for_next(mixed.get("InstancesDistribution", {}), group.counting)

    def _choices(self, group: Group, zone: str, market: str) -> Iterator[_Choice]:
        by_type = {choice.type: choice for choice in _all_choices(group)}
        distribution = group.asked.get("MixedInstancesPolicy", {}).get("InstancesDistribution", {})
        strategy = (
            distribution.get("SpotAllocationStrategy", "lowest-price")
            if market == "spot"
            else distribution.get("OnDemandAllocationStrategy", "prioritized")
        )
        pools = [
            Pool(kind, zone, market) for kind in by_type if zone in offered(kind, group.region)
        ]
        for pool in pools_in_order(pools, strategy, left=self._capacity.left, price=self._price):
            yield by_type[pool.type]

    def _price(self, pool: Pool) -> Decimal:
        if pool.market == "spot":
            return self._prices.spot(pool.type, pool.zone)
        return self._prices.on_demand(pool.type)


def _all_choices(group: Group) -> Iterator[_Choice]:
    mixed = group.asked.get("MixedInstancesPolicy")
    template = template_named(group.asked)
    overrides = mixed["LaunchTemplate"].get("Overrides", []) if mixed else []
    for each in overrides:
        yield _Choice(each["InstanceType"], each.get("LaunchTemplateSpecification", template))
    if not overrides:
        says = template_of(group.account, group.region, template)[2]
        yield _Choice(str(says.get("InstanceType")), template)


def _order(
    group: Group, zone: str, choice: _Choice, market: str
) -> tuple[Order, Mapping[str, str]]:
    identity, number, says = template_of(group.account, group.region, choice.template)
    tags = {tag.key: tag.value for tag in group.tags.values() if tag.at_launch}
    tags["aws:autoscaling:groupName"] = group.name
    request: dict[str, Any] = {
        "InstanceType": choice.type,
        "SubnetId": group.subnets[zone],
        "TagSpecifications": [
            {
                "ResourceType": "instance",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    }
    if market == "spot":
        request["InstanceMarketOptions"] = {"MarketType": "spot"}
    order = Order(group.account, group.region, merged(says, request), (identity, number))
    name = choice.template.get("LaunchTemplateName", "")
    return order, {
        "LaunchTemplateId": identity,
        "LaunchTemplateName": name or _name(group, identity),
        "Version": str(choice.template.get("Version", number)),
    }


def _name(group: Group, identity: str) -> str:
    return str(ec2_backends[group.account][group.region].get_launch_template(identity).name)


def _nowhere() -> ServiceException:
    return ServiceException(
        "Unsupported",
        "Your requested instance type is not supported in your requested Availability Zone.",
    )
