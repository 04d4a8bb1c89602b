"""What is ordered of a provider for one job: how many machines, and of what kind."""

from dataclasses import dataclass
from functools import cached_property

from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.machines.launches import Launches
from cryoem_cloud.courier.machines.sources import provider_of
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.planner.decide import fixed_count
from cryoem_cloud.planner.disk import disk_gib
from cryoem_cloud.ports.provider import LIMIT_S, Order
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Orders"]

_HOUR_S = 3600.0


@dataclass
class Orders:
    """The orders of one job's fleets, as its user wished and as was planned.

    `tasks` is how many of its tasks can be worked on at once.
    """

    means: Means
    slip: Slip
    records: JobRecords
    launches: Launches
    tasks: int
    _disk_gib: int | None = None

    @cached_property
    def plan(self) -> Chosen | None:
        """What was decided before the job had tasks, where its provider sells; else None."""
        return self.records.plan() if provider_of(self.means, self.slip).sells else None

    def of(self, attempt: int) -> Order:
        """What the fleet of that attempt is to be."""
        slip, launch = self.slip, self.launches.kept[attempt]
        if self._disk_gib is None and provider_of(self.means, slip).sells:
            self._disk_gib = disk_gib(self.records.all_tasks())
        return Order(
            token=self.launches.token(attempt),
            store=slip.project.store,
            project=slip.project.name,
            job=slip.job.number,
            count=launch.count or self.most(),
            offer=launch.offer,
            disk_gib=self._disk_gib or 0,
            limit_s=slip.job.wish.hours * _HOUR_S or LIMIT_S,
            owner=slip.job.submitter,
            image=slip.job.wish.image,
            door=slip.job.wish.door,
            environment=slip.environment,
            umask=slip.umask,
        )

    def most(self) -> int:
        """How many machines there may be: as the user said, or as was planned."""
        settings = self.means.settings(str(self.slip.project.folder))
        planned = self.plan.count if self.plan else 0
        fixed = fixed_count(self.slip.job.wish, settings.count)
        return min(fixed or planned or settings.count, self.tasks)
