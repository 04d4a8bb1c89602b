"""cryoem storage restore: how far things are, the question, and the asking."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import click

from cryoem_cloud.cli.storage.archiving import Choice, money
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.storage_prices import StoragePrices
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.planner.tiers import Restoring, restoring
from cryoem_cloud.ports.classes import Classes, Kept, Reach
from cryoem_cloud.stores.archive import kept_of

__all__ = ["Restore"]

_STREAMS = 8


@dataclass
class Restore:
    """Objects of files that were named, as they are kept."""

    choice: Choice
    classes: Classes
    prices: StoragePrices | None
    days: int
    bulk: bool
    kept: Sequence[Kept] = field(default_factory=list)
    asked: int = 0

    def look(self) -> None:
        """Ask the store about each object."""
        keys = [stored.key for stored in self.choice.objects()]
        found = kept_of(self.choice.store, self.choice.project.name, keys)
        self.kept = list(found.values())

    @property
    def asleep(self) -> list[Kept]:
        """Those that must be asked for."""
        return self._of(Reach.ARCHIVED)

    def _of(self, reach: Reach) -> list[Kept]:
        return [each for each in self.kept if each.reach is reach]

    def ask(self) -> None:
        """Ask for them."""

        def one(kept: Kept) -> None:
            self.classes.restore(kept.key, days=self.days, bulk=self.bulk)
            self.asked += 1

        with ThreadPoolExecutor(max_workers=_STREAMS) as pool:
            for _ in pool.map(one, self.asleep):
                pass

    def _cost(self) -> Restoring | None:
        if self.prices is None:
            return None
        sizes = [each.size for each in self.asleep]
        return restoring(self.prices, sizes, days=self.days, bulk=self.bulk)

    @property
    def _hours(self) -> int:
        return 48 if self.bulk else 12

    def say(self, *, json_: bool) -> None:
        """How far things are, what asking costs, and how long it takes."""
        if json_:
            click.echo(as_json(self._as_json()))
            return
        for reach in (Reach.READABLE, Reach.RESTORED, Reach.RESTORING):
            if found := self._of(reach):
                until = min(each.until for each in found)
                when = f", until {until}" if until else ""
                click.echo(f"{_told(found)}: {reach.value}{when}", err=True)
        if self.asleep:
            cost = self._cost()
            price = f", for about {money(cost.usd)} at list prices" if cost else ""
            click.echo(
                f"{_told(self.asleep)}: archived; can be read within about {self._hours} h, for "
                f"{counted(self.days, 'day')}{price}",
                err=True,
            )

    def say_asked(self, *, json_: bool) -> None:
        """What was asked for, and what to do next."""
        if json_:
            click.echo(as_json(self._as_json()))
            return
        click.echo(
            f"{counted(self.asked, 'object')} asked for; within about {self._hours} h: cryoem pull",
            err=True,
        )

    def _as_json(self) -> dict[str, JSON]:
        cost = self._cost()
        counts: dict[str, JSON] = {reach.name.lower(): len(self._of(reach)) for reach in Reach}
        return {
            "objects": counts,
            "bytes": sum(each.size for each in self.asleep),
            "asked": self.asked,
            "hours": self._hours,
            "days": self.days,
            "usd": f"{cost.usd:f}" if cost else None,
        }


def _told(found: Sequence[Kept]) -> str:
    return f"{counted(len(found), 'object')}, {human_size(sum(each.size for each in found))}"
