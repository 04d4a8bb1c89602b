"""What a front end's own programs do for a job on this computer, before and after the machines."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.means import Means
from cryoem_cloud.model.errors import ObjectMissingError, RefusedError
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.ports.frontend import AtHome
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["concluded", "prepared"]


def prepared(
    slip: Slip,
    means: Means,
    records: JobRecords,
    desk: CardDesk,
    *,
    stopped: Callable[[], bool],
) -> Slip | None:
    """The slip with the job as machines are to have it; None where it was cut off.

    It is kept in the spool. A job that is in the store already stays as it is there.

    Raises:
        CryoemError: The front end cannot prepare it.
    """
    frontend = means.frontend(slip.job.frontend)
    if not frontend.prepares(slip.job):
        return slip
    with suppress(ObjectMissingError):
        stored = records.job()
        if frontend.prepares(stored):
            raise RefusedError("the job could not be prepared", hint="submit it once more")
        return _kept(replace(slip, job=stored), means)

    def wanted() -> bool:
        return not means.stopping.is_set() and not stopped()

    desk.phase(Phase.LOOKING, f"asks {frontend.name} what the job runs")
    job = frontend.prepare(slip.job, _at_home(slip, wanted))
    return None if job is None else _kept(replace(slip, job=job), means)


def concluded(slip: Slip, means: Means, exit_: Exit) -> Exit | None:
    """How the job ended with the front end's own last steps; None where the courier is to end.

    A stop cuts short the steps of a job whose machines had success; those of others are only told.
    """

    def stopped() -> bool:
        return exit_.outcome is Outcome.SUCCESS and means.spool.stop_asked(slip.name)

    home = _at_home(slip, lambda: not means.stopping.is_set() and not stopped())
    ended = means.frontend(slip.job.frontend).conclude(slip.job_here, home, exit_)
    if ended is None and stopped() and not means.stopping.is_set():
        return Exit(
            outcome=Outcome.ABORTED,
            code=1,
            reason="stopped on request while its last steps were taken here; the results are home",
        )
    return ended


def _at_home(slip: Slip, wanted: Callable[[], bool]) -> AtHome:
    return AtHome(
        project=slip.project.folder,
        environment=slip.environment,
        umask=slip.umask,
        wanted=wanted,
    )


def _kept(slip: Slip, means: Means) -> Slip:
    means.spool.add(slip)
    return slip
