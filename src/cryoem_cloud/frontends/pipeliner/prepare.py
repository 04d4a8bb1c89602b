"""Before a pipeliner job goes out: what machines run of it, and its first steps at home."""

import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cryoem_cloud.frontends.pipeliner.asking import PLAN, answer
from cryoem_cloud.frontends.pipeliner.plan import Command, Plan
from cryoem_cloud.frontends.pipeliner.running import logged
from cryoem_cloud.frontends.pipeliner.script import Runner, machine_script
from cryoem_cloud.model.errors import FormatError, RefusedError
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.frontend import AtHome

__all__ = ["prepare"]

_PLAN_S = 300.0
"""It takes 3 s; a Python that lies on a slow disk of a network takes much longer."""
_STEP_S = 3600.0


def prepare(job: Job, home: AtHome) -> Job | None:
    """See the port: Frontend.prepare."""
    cwd = home.project / job.cwd
    runner = Runner.of(job.script)
    plan = _planned(runner, home, cwd)
    if plan is None:
        return None
    script = machine_script(job.script, plan)
    first, _ = plan.span
    if not first:
        return replace(job, script=script)
    logs = {name: home.project / path for name, path in job.logs.items()}
    for name, log in logs.items():
        _cut(log, job.log_starts[name])
    if not _all_done(plan.commands[:first], home, cwd, (logs["out"], logs["err"])):
        return None
    starts = {name: log.stat().st_size for name, log in logs.items()}
    return replace(job, script=script, log_starts=starts)


def _planned(runner: Runner, home: AtHome, cwd: Path) -> Plan | None:
    """What the pipeliner says that it would run; None where the job is wanted no more."""
    said = answer(PLAN, runner, home=home, cwd=cwd, limit_s=_PLAN_S)
    if said.cut_off:
        return None
    if said.trouble:
        raise RefusedError(
            f"the pipeliner does not say what {runner.folder} runs: {said.trouble}",
            hint="the program that was asked: " + runner.words[0],
        )
    try:
        return Plan.from_record(said.record)
    except FormatError as error:
        raise RefusedError(
            f"what the pipeliner says of {runner.folder} is not understood: {error.message}",
            hint="is it another version than 1.6?",
        ) from error


def _all_done(steps: Iterable[Command], home: AtHome, cwd: Path, logs: tuple[Path, Path]) -> bool:
    """Take the job's first steps; False where the job is wanted no more."""
    for step in steps:
        done = logged(step.words, home, cwd=cwd, limit_s=_STEP_S, logs=logs)
        if done.code is None and not home.wanted():
            return False
        if done.code != 0 and not step.optional:
            how = f"has not ended in {_STEP_S:.0f} s" if done.code is None else "has failed"
            raise RefusedError(
                f"{shlex.join(step.words)}, which comes before RELION, {how}",
                hint=f"{logs[1].name} in the job's folder tells more",
            )
    return True


def _cut(log: Path, size: int) -> None:
    """Take away what an earlier try has written."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > size:
            os.truncate(log, size)
