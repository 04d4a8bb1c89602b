"""`cryoem aws image build`: a builder, its image, copies of it, and no builder any more."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryoem_cloud.model.errors import CryoemError, ProviderDeniedError, ProviderError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.building.builder import Builder
from cryoem_cloud.providers.aws.building.found import built_here, note_copy
from cryoem_cloud.providers.aws.building.recipe import Plan
from cryoem_cloud.providers.aws.building.taking import Taking, removed
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import (
    BASE,
    HOME,
    OWNER,
    RELION,
    STACK,
    TOKEN,
    build_token,
)

__all__ = ["Build", "Made"]

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image that was built: its id in each region, the first one the stack's."""

    name: str
    images: dict[str, str]
    relion: str
    seconds: float
    usd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The building of one image. `now` is the wall clock's."""

    calls: Calls
    account: Account
    plan: Plan
    owner: str
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def build(self) -> Made:
        """Build it. Whatever happens, and wherever this is interrupted, no builder is left.

        Raises:
            ProviderError: The script failed, with its last lines; or AWS refuses something.
        """
        began_s = time.monotonic()
        try:
            taking, image = self._built()
        except ProviderDeniedError as error:
            raise ProviderDeniedError(
                error.message,
                hint="images are built with an administrator's rights; "
                "docs/how-to/aws-images.md lists the actions",
            ) from error
        seconds = time.monotonic() - began_s
        return Made(
            name=self.plan.recipe.name,
            images={self.calls.region: image, **self._copied(taking, image)},
            relion=taking.tags.get(RELION, ""),
            seconds=seconds,
            usd=self.plan.usd(seconds / _HOUR_S),
        )

    def _built(self) -> tuple[Taking, str]:
        """The image in the stack's region, and what it is called and tagged."""
        until_s = int(self.now.timestamp()) + self.plan.most_hours * _HOUR_S
        builder = Builder(
            calls=self.calls,
            account=self.account,
            plan=self.plan,
            token=build_token(self.plan.recipe.name, until_s),
            owner=self.owner,
            sleep=self.sleep,
            say=self.say,
        )
        try:
            machine = builder.launch()
            self.say(f"the builder {machine} starts; what its script prints follows")
            ended = builder.follow(machine)
            ended.require_well()
            taking = self._taking(builder.token, ended.relion)
            return taking, self._taken(taking, machine)
        finally:
            builder.end()

    def _taking(self, token: str, relion: str) -> Taking:
        plan, account = self.plan, self.account
        tags = {
            **account.tags,
            STACK: account.stack,
            HOME: account.region,
            BASE: f"{plan.recipe.base} {plan.base.id}",
            TOKEN: token,
            OWNER: self.owner,
            "Name": plan.recipe.name,
            **({RELION: relion} if relion else {}),
        }
        name = f"cryoem {account.stack} {plan.recipe.name} {self.now:%Y-%m-%d %H.%M.%S}"
        return Taking(name=name, tags=tags, sleep=self.sleep)

    def _taken(self, taking: Taking, machine: str) -> str:
        """The image's id, once it can be used; what cannot be is removed."""
        self.say("the image is taken; that takes some minutes …")
        try:
            image = taking.take(self.calls, machine)
            taking.wait(self.calls, image)
        except BaseException:
            self._remove(taking)
            raise
        return image

    def _remove(self, taking: Taking) -> None:
        """Remove what there is of an image that was not taken to its end."""
        try:
            if image := taking.found(self.calls):
                here = built_here(self.calls, self.account.stack, self.calls.region)
                snapshots = {each.id: each.snapshots for each in here}
                removed(self.calls, image, snapshots.get(image, ()))
        except CryoemError as error:
            self.say(f"an image may be left ({error.message}): cryoem aws image ls")

    def _copied(self, taking: Taking, image: str) -> dict[str, str]:
        """The copies, which AWS makes side by side."""
        begun: dict[str, str] = {}
        try:
            for region in self.plan.recipe.regions:
                self.say(f"copied to {region} …")
                note_copy(self.calls, self.account.store, region)
                begun[region] = taking.copy(self.calls.elsewhere(region), image, self.calls.region)
            for region, copy in begun.items():
                taking.wait(self.calls.elsewhere(region), copy)
        except ProviderError as error:
            raise ProviderError(
                f"{image} is built, but not all its copies are: {error.message}",
                hint="cryoem aws image ls shows which there are",
            ) from error
        return begun
