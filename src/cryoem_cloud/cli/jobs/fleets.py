"""All fleets that this user's providers know of, and which of them nobody needs."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial

from cryoem_cloud.courier.known.cards import Cards
from cryoem_cloud.courier.known.tokens import job_of
from cryoem_cloud.model.errors import FormatError, ObjectMissingError, StoreError
from cryoem_cloud.model.machine import Machine, State
from cryoem_cloud.model.record import JSON
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.ports.store import Store
from cryoem_cloud.providers.aws.names import build_until
from cryoem_cloud.settings import Places
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.nexts import nexts

__all__ = ["Found", "Left", "Verdict", "all_machines", "fleets_left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A machine, whose it is and where."""

    machine: Machine
    where: str
    project: str
    job: int

    @property
    def lives(self) -> bool:
        """Whether it still costs something."""
        return self.machine.state in {State.STARTING, State.UP}

    def to_json(self) -> dict[str, JSON]:
        """For programs."""
        return {
            "name": self.machine.name,
            "where": self.where,
            "type": self.machine.kind,
            "market": self.machine.market,
            "zone": self.machine.zone,
            "address": self.machine.address,
            "state": self.machine.state.value,
            "since": self.machine.since,
            "project": self.project,
            "job": self.job,
        }


class Verdict(Enum):
    """What is to become of a fleet."""

    OPEN = "its job is open"
    ENDED = "its job has ended"
    BUILDING = "builds a machine image"
    OVERDUE = "built a machine image, and should have ended"
    AWAY = "its store does not answer: try again later"
    UNKNOWN = "of no job that can be read: look after it yourself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A fleet, and whether anybody needs it."""

    token: str
    provider: Provider
    machines: tuple[Machine, ...]
    verdict: Verdict
    store: str = ""
    """The URL of its project's; "": it is of none that is known."""

    @property
    def where(self) -> str:
        """Its provider."""
        return self.provider.name

    @property
    def needless(self) -> bool:
        """Whether nobody needs it any more."""
        return self.verdict in {Verdict.ENDED, Verdict.OVERDUE}

    def reap(self, settle: Callable[["Left"], None] = lambda _: None) -> None:
        """End it and leave nothing of it, if nobody needs it; before that, `settle` its cost."""
        if self.needless:
            self.provider.end(self.token)
            settle(self)
            self.provider.forget(self.token)

    def to_json(self) -> dict[str, JSON]:
        """For programs."""
        return {
            "token": self.token,
            "where": self.where,
            "machines": [machine.name for machine in self.machines],
            "verdict": self.verdict.name.lower(),
        }


def all_machines(providers: Iterable[Provider]) -> Iterator[Found]:
    """Each machine that the providers tell of, fleet by fleet."""
    for provider in providers:
        for token in provider.tokens():
            project, job = job_of(token) or (token, 0)
            for machine in provider.look(token).machines:
                yield Found(machine=machine, where=provider.name, project=project, job=job)


def fleets_left(
    providers: Iterable[Provider], places: Places, store_at: Callable[[str], Store]
) -> Iterator[Left]:
    """All fleets, and whether their jobs, and those that go on with their machines, have ended."""
    stores = {card.project: card.store for card in Cards(places.state / "jobs").all()}
    for provider in providers:
        for token in provider.tokens():
            project, job = job_of(token) or ("", 0)
            url = provider.store or stores.get(project, "")
            if (until_s := build_until(token)) is not None:
                verdict = Verdict.BUILDING if time.time() < until_s else Verdict.OVERDUE
            elif url and job:
                verdict = _verdict(partial(store_at, url), project, job)
            else:
                verdict = Verdict.UNKNOWN
            yield Left(
                token=token,
                provider=provider,
                machines=provider.look(token).alive,
                verdict=verdict,
                store=url,
            )


def _verdict(open_store: Callable[[], Store], project: str, job: int) -> Verdict:
    """As the store tells of the job and of all that go on after it, maybe on its machines."""
    try:
        return _told(open_store(), project, job)
    except (ObjectMissingError, FormatError):
        return Verdict.UNKNOWN
    except StoreError:  # other fleets have other stores, and cost money
        return Verdict.AWAY


def _told(store: Store, project: str, job: int) -> Verdict:
    todo, seen = [job], set[int]()
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        records = JobRecords(store, project, number)
        records.job()
        if records.end() is None:
            return Verdict.OPEN
        todo += [later.job for later in nexts(store, project, number)]
    return Verdict.ENDED
