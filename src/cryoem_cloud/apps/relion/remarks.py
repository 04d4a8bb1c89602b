"""What a user should know of how well we know a job's programs."""

from collections.abc import Iterator

from cryoem_cloud.apps.relion.programs import UNKNOWN
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.model.job import Job

__all__ = ["remarks"]

_REPORT = "report a missing file with: cryoem report"


def remarks(job: Job) -> tuple[str, ...]:
    """See the port: Application.remarks."""
    return tuple(dict.fromkeys(line for call in calls(job.script) for line in _of(call)))


def _of(call: Call) -> Iterator[str]:
    row = call.program
    if row is None:
        return
    if row is UNKNOWN:
        yield (
            f"cryoem: {call.name} is not among the programs that we know: it gets every existing "
            f"file on its command line, and every file that these name; {_REPORT}"
        )
        return
    read = ", ".join(row.read.split())
    known = f"known from the source of RELION {read}" if read else "a guess"
    untried = [flag for flag in row.untried if call.has(flag)]
    if row.ran and not untried:
        return
    name = " ".join((call.name, *untried))
    yield f"cryoem: {name}: what it reads is {known}, it was not run by us; {_REPORT}"
