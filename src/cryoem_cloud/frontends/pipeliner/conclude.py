"""Once a pipeliner job's results are home: its last steps, and its records, by the pipeliner."""

import logging
from contextlib import suppress

from cryoem_cloud.frontends.pipeliner.asking import TAIL, Answer, answer
from cryoem_cloud.frontends.pipeliner.script import Planned
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.record import decode, text
from cryoem_cloud.ports.frontend import AtHome

__all__ = ["conclude"]

_LOG = logging.getLogger(__name__)

_TAIL_S = 3600.0
_LOCK = ".relion_lock"
"""A folder in the job's folder while its job_pipeline.star is written. One conclusion at a time is
all that writes it then, so that one from before is from one that was killed."""


def conclude(job: Job, home: AtHome, exit_: Exit) -> Exit | None:
    """See the port: Frontend.conclude."""
    planned = Planned.in_(job.script)
    if planned is None:
        return exit_
    with suppress(OSError):
        (home.project / job.outputs[0] / _LOCK).rmdir()
    said = answer(
        TAIL,
        planned.runner,
        str(planned.done),
        exit_.outcome.value,
        home=home,
        cwd=home.project / job.cwd,
        limit_s=_TAIL_S,
    )
    if exit_.outcome is not Outcome.SUCCESS:
        if said.trouble:
            _LOG.warning("job %d: the pipeliner's records: %s", job.number, said.trouble)
        return exit_
    return None if said.cut_off else _ended(said)


def _ended(said: Answer) -> Exit:
    """How a job whose machines had success has ended."""
    outcome, why = _outcome(said)
    if outcome is Outcome.SUCCESS:
        return Exit(outcome=Outcome.SUCCESS)
    if outcome is Outcome.ABORTED:
        return Exit(outcome=outcome, code=1, reason="aborted while its last steps were taken here")
    reason = f"the results are home, but the pipeliner's last steps have failed: {why}"
    return Exit(outcome=outcome, code=1, reason=reason)


def _outcome(said: Answer) -> tuple[Outcome, str]:
    """What the pipeliner made of the job; and, of a failure, its own words."""
    if said.trouble:
        return Outcome.FAILURE, said.trouble
    try:
        outcome = Outcome(text(decode("tail", said.record), "outcome"))
    except (FormatError, ValueError) as error:
        return Outcome.FAILURE, str(error)
    errors = [line for line in said.said.splitlines() if "ERROR" in line]
    return outcome, errors[-1].partition("ERROR: ")[2] if errors else "see run.err"
