"""What an image is built of, and what that costs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from cryoem_cloud.model.errors import SettingsError, UsageError
from cryoem_cloud.model.units import counted
from cryoem_cloud.model.usd import cents
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.images import base_image
from cryoem_cloud.providers.aws.kinds import architecture_of, described
from cryoem_cloud.providers.aws.prices import on_demand_usd
from cryoem_cloud.providers.aws.template import Image

__all__ = ["TAKE_HOURS", "Plan", "Recipe", "planned"]

TAKE_HOURS = 1
"""How long a builder waits for its image to be taken, once its script has ended."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An image that is to be built.

    `script` is run by bash as root, with `variables`, on a machine of type `kind` that begins with
    `base` (one of images.BASES, or an image's id) on a disk of `disk_gib`, for `hours` at most. The
    image is copied to `regions` besides.
    """

    name: str
    script: bytes
    base: str = "ubuntu"
    kind: str = "m7i.large"
    regions: tuple[str, ...] = ()
    disk_gib: int = 30
    hours: int = 2
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """See that it can be one.

        Raises:
            UsageError: It cannot.
        """
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name!r} cannot be an image's name",
                hint="--name NAME: small letters, digits, . and -, 40 at most",
            )
        for name in self.variables:
            if not _VARIABLE.fullmatch(name):
                raise UsageError(f"{name!r} cannot be a variable's name", hint="--env NAME=VALUE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A recipe, and what AWS says of it. `usd_per_hour` is None where no price is known."""

    recipe: Recipe
    architecture: str
    base: Image
    agent: str
    usd_per_hour: Decimal | None

    @property
    def most_hours(self) -> int:
        """After so long the builder ends, whatever happens."""
        return self.recipe.hours + TAKE_HOURS

    @property
    def disk_gib(self) -> int:
        """Of the builder, and of each snapshot at most."""
        return max(self.recipe.disk_gib, self.base.size_gib)

    def usd(self, hours: float) -> str:
        """What so many hours of the builder cost."""
        if self.usd_per_hour is None:
            return "at a price that AWS does not tell"
        return f"{cents(Decimal(hours) * self.usd_per_hour)} USD"

    def announcement(self, region: str, snapshot_gb_month: Decimal) -> tuple[str, ...]:
        """What is going to be made, and what it costs."""
        recipe, hours = self.recipe, counted(self.most_hours, "hour")
        regions = ", ".join((region, *recipe.regions))
        month = f"{cents(self.disk_gib * snapshot_gb_month)} USD a month"
        return (
            f"Image {recipe.name} for {self.architecture}, on {recipe.base} ({self.base.id}):",
            f"  a builder, {recipe.kind}, for {hours} at most: {self.usd(self.most_hours)};",
            "  it ends by itself then, whatever becomes of this command",
            f"  kept in {regions}: a snapshot of {self.disk_gib} GB at most in each region,",
            f"  about {month} each; only what is written counts",
        )


def planned(calls: Calls, prices: Calls, account: Account, recipe: Recipe) -> Plan:
    """See what the recipe needs.

    Raises:
        ProviderError: There is no such machine type or image.
        SettingsError: The stack has no agent for such machines.
    """
    architecture = architecture_of(described(calls, recipe.kind))
    if architecture not in account.agents:
        raise SettingsError(
            f"the stack has no agent for machines with {architecture} processors",
            hint="choose another machine type, or: cryoem aws setup --python FOLDER",
        )
    _check_regions(calls, recipe.regions)
    return Plan(
        recipe=recipe,
        architecture=architecture,
        base=base_image(calls, recipe.base, architecture),
        agent=account.agents[architecture],
        usd_per_hour=on_demand_usd(prices, recipe.kind, account.region),
    )


def _check_regions(calls: Calls, regions: Sequence[str]) -> None:
    if not regions:
        return
    known = {str(each["RegionName"]) for each in calls.ask("ec2", "describe_regions")["Regions"]}
    if missing := sorted(set(regions) - known):
        raise UsageError(
            f"your account has no region {missing[0]}", hint=f"it has {', '.join(sorted(known))}"
        )
    if calls.region in regions:
        raise UsageError(f"{calls.region} has the image already: --regions names others")
