"""Machine images, as their commands work with them."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from time import sleep

from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.building.build import Build, Made
from cryoem_cloud.providers.aws.building.found import Found, built, remove
from cryoem_cloud.providers.aws.building.recipe import Plan, Recipe, planned
from cryoem_cloud.providers.aws.building.scripts import SHIPPED, Shipped
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.images import BASES
from cryoem_cloud.providers.aws.prices import PRICE_LIST
from cryoem_cloud.providers.aws.stack.join import the_account
from cryoem_cloud.settings import environment

__all__ = [
    "BASES",
    "SHIPPED",
    "Found",
    "Made",
    "Plan",
    "Recipe",
    "Shipped",
    "account",
    "build",
    "images",
    "plan",
    "removed",
    "snapshot_gb_month",
]


def account(region: str, stack: str) -> Account:
    """The stack's account; see the_account."""
    return the_account(_calls(region), stack)


def plan(of: Account, recipe: Recipe) -> Plan:
    """See planned."""
    return planned(_calls(of.region), _calls(PRICE_LIST), of, recipe)


def build(of: Account, planned_: Plan, *, owner: str, say: Callable[[str], None]) -> Made:
    """See Build.build."""
    calls = _calls(of.region)
    return Build(calls=calls, account=of, plan=planned_, owner=owner, say=say, sleep=sleep).build()


def images(of: Account) -> Iterator[Found]:
    """See built."""
    return built(_calls(of.region), of.stack, of.store)


def snapshot_gb_month(region: str) -> Decimal:
    """What a GB of an image's copy costs a month in a region, in US dollars."""
    return tables.store_prices("aws", region).snapshot_gb_month


def removed(of: Account, image: str) -> Found:
    """See found.remove."""
    return remove(_calls(of.region), of.stack, of.store, image)


def _calls(region: str) -> Calls:
    return Calls(environment(), region)
