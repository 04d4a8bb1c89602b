"""Moving a project's part of a store to another region, as its command does it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from cryoem_cloud.model.errors import NotFoundError, ProviderError, RefusedError
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.storage_prices import GB, StorageClass
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.providers.aws.account import Account, accounts
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.moving import Copied, Mover, Object, Place, open_jobs
from cryoem_cloud.providers.aws.stack.outputs import bucket_and_folder
from cryoem_cloud.settings import environment
from cryoem_cloud.stores.s3.parts import part_bytes

__all__ = ["Estimate", "Move", "move_of"]

_MARK, _RECORD = "moved", "project.json"
"""What stays at the old place, for who comes there still; the mark never comes along."""
_MOST_ROUNDS = 5
_LISTED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What moving is going to take. `usd_per_gb` is None where the catalogue has no price."""

    objects: int
    size: int
    to_copy: int
    bytes_to_copy: int
    requests: int
    usd_per_gb: Decimal | None
    requests_usd: Decimal

    @property
    def transfer_usd(self) -> Decimal | None:
        """Of the bytes."""
        return None if self.usd_per_gb is None else self.bytes_to_copy * self.usd_per_gb / GB


@dataclass(slots=True, kw_only=True)
class Move:
    """A project on its way from one account's store to another's."""

    project: Project
    old: Account
    new: Account
    mover: Mover
    _here: dict[str, Object] = field(default_factory=dict)
    _there: dict[str, Object] = field(default_factory=dict)

    @property
    def done(self) -> Copied:
        """What was done so far."""
        return self.mover.done

    @property
    def last_job(self) -> int:
        """The greatest number of the project's jobs; 0: it has none."""
        jobs = (name.split("/")[1] for name in self._here if name.startswith("jobs/"))
        return max((int(job) for job in jobs if job.isdecimal()), default=0)

    def estimate(self) -> Estimate:
        """What is left to be done."""
        left = self.mover.missing(self._here, self._there)
        copies = sum(1 if not o.parts else o.parts + 2 for o in left.values())
        listings = 4 * (1 + len(self._here) // _LISTED_AT_ONCE)
        requests, old = copies + listings, self.old.region
        new = tables.store_prices("aws", self.new.region).classes[StorageClass.STANDARD]
        known = tables.store_prices("aws", old) if old in tables.REGIONS else None
        return Estimate(
            objects=len(self._here),
            size=sum(each.size for each in self._here.values()),
            to_copy=len(left),
            bytes_to_copy=sum(each.size for each in left.values()),
            requests=requests,
            usd_per_gb=known.to_regions_gb if known else None,
            requests_usd=requests * new.writes_1000 / 1000,
        )

    def copy(self, told: Callable[[Copied], None]) -> None:
        """See to it that the new place has all that the old one has, each object verified.

        Raises:
            RefusedError: A job has been submitted meanwhile.
            ProviderError: AWS refuses, or somebody writes faster than we copy.
        """
        for _ in range(_MOST_ROUNDS):
            left = self.mover.missing(self._here, self._there)
            if not left:
                return
            self.mover.copy(left, told=told)
            self.look()
        raise ProviderError(
            f"somebody goes on writing to {self.project.store}",
            hint="end what writes there, then call it again: it goes on",
        )

    def delete_old(self) -> int:
        """Delete at the old place what was verified at the new one; how many objects."""
        both = (self._here.keys() & self._there.keys()) - {_RECORD}
        same = {name: self._here[name] for name in both}
        self.mover.delete_source(same)
        return len(same)

    def look(self) -> None:
        """See what is where.

        Raises:
            RefusedError: A job has not ended.
            ProviderError: A store cannot be listed.
        """
        self._here = self.mover.listed(self.mover.source)
        self._there = self.mover.listed(self.mover.target)
        _require_ended(self.project, self._here)


def _require_ended(project: Project, here: dict[str, Object]) -> None:
    if numbers := open_jobs(here):
        named = ", ".join(map(str, numbers))
        raise RefusedError(
            f"{project.name} has unfinished jobs, maybe of other computers: {named}",
            hint=f"cryoem wait {numbers[0]}, or cryoem stop {numbers[0]}; then move it",
        )


def move_of(project: Project, region: str, stack: str, config: Path) -> Move:
    """The move of a project to the store of a stack in a region; changes nothing yet.

    Raises:
        NotFoundError: This user has not joined both stacks.
        RefusedError: It is there; or a job has not ended.
        ProviderError: A store cannot be listed.
    """
    known = accounts(config)
    old = next((a for a in known if a.store.rstrip("/") == project.store.rstrip("/")), None)
    if old is None:
        raise NotFoundError(
            f"{project.store} is the store of no stack that you have joined",
            hint="cryoem aws join --region REGION, with the region where it is",
        )
    wanted = (stack or old.stack, region)
    new = next((a for a in known if (a.stack, a.region) == wanted), None)
    if new is None:
        raise NotFoundError(
            f"you have not joined the stack {wanted[0]} in {region}",
            hint=f"cryoem aws join --region {region} --stack {wanted[0]}",
        )
    if new == old:
        raise RefusedError(f"{project.name} is in {region} already")
    env = environment()
    mover = Mover(
        source=_place(Calls(env, old.region), old, project),
        target=_place(Calls(env, new.region), new, project),
        part_bytes=part_bytes,
        kept=frozenset({_MARK}),
    )
    move = Move(project=project, old=old, new=new, mover=mover)
    move.look()
    return move


def _place(calls: Calls, account: Account, project: Project) -> Place:
    bucket, folder = bucket_and_folder(account.store.rstrip("/"))
    return Place(calls, bucket, f"{folder}/{project.name}/")
