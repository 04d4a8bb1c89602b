"""What a job computes, and what that was expected to take, asked while it runs or has ended."""

from cryoem_cloud.courier.homeward.left import LeftInStore
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.machines.sources import provider_of
from cryoem_cloud.courier.means import Means
from cryoem_cloud.courier.sending.view import ProjectView
from cryoem_cloud.model.measured import HERE
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.learning import computer, jobs_behind, kinds_of, taught
from cryoem_cloud.planner.performance import run_s, why_unknown
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["computer_of", "expected_s", "work_of"]


def work_of(means: Means, slip: Slip, records: JobRecords) -> Work | None:
    """The job's numbers; None where nobody knows them.

    Raises:
        What Application.work raises.
    """
    left = LeftInStore(records.store, slip.project, means.cache, means.application)
    view = ProjectView(records.store, slip.project, means.cache, left)
    return means.application(slip.job.application).work(slip.job, view)


def computer_of(slip: Slip) -> str:
    """The name of the computer that runs what its user has submitted there."""
    return slip.job.submitter.partition("@")[2] or HERE


def expected_s(means: Means, slip: Slip, records: JobRecords, work: Work) -> Spread | None:
    """Seconds that the machines it was planned for, or its user's computer, take for the work.

    None where no plan was made, or nothing is known of such a machine.
    """
    learnt = means.learnt.known(slip.project.name)
    provider = provider_of(means, slip)
    if not provider.sells:
        own = [x for x in learnt if (x.where, x.kind) == (HERE, computer_of(slip))]
        rates = taught(own, {})
        kind = computer(own[-1]) if own else None
        count = 1 if kind and jobs_behind(work, kind, rates) else 0
    else:
        plan = records.plan()
        kinds = kinds_of(means.catalogue(provider.region, slip.project.folder))
        rates = taught(learnt, kinds)
        kind, count = (kinds.get(plan.offers[0].kinds[0]), plan.count) if plan else (None, 0)
    if kind is None or not count or why_unknown(work, kind, rates):
        return None
    return run_s(work, kind, rates, machines=count)
