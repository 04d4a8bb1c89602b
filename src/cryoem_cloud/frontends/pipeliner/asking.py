"""Has the user's Python, in which the pipeliner is installed, do something for us."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.frontends.pipeliner.plan import record_in
from cryoem_cloud.frontends.pipeliner.running import ran
from cryoem_cloud.frontends.pipeliner.script import Runner
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.ports.frontend import AtHome

__all__ = ["PLAN", "TAIL", "Answer", "answer"]

PLAN, TAIL = "cryoem_plan.py", "cryoem_tail.py"
_THEIRS = Path(__file__).parent / "theirs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was printed for us; where nothing was, `trouble` says why.

    `cut_off` says that the program was ended because the job was wanted no more.
    """

    record: bytes = b""
    trouble: str = ""
    said: str = ""
    cut_off: bool = False


def answer(
    script: str, runner: Runner, *words: str, home: AtHome, cwd: Path, limit_s: float
) -> Answer:
    """Run one of our scripts in the place of job_runner, by the same words.

    Raises:
        OSError: The project's folder is not there.
    """
    command = (*runner.words, str(_THEIRS / script), runner.job_star, *words)
    try:
        done = ran(command, home, cwd=cwd, limit_s=limit_s)
    except OSError as error:
        if error.filename != command[0]:
            raise
        return Answer(trouble=f"{command[0]} cannot be started: {error.strerror}")
    if done.code is None:
        return Answer(trouble=f"no answer within {limit_s:.0f} s", cut_off=not home.wanted())
    if done.code == 0:
        with suppress(FormatError):
            return Answer(record=record_in(done.out), said=done.out)
    return Answer(trouble=done.last_words, said=done.out)
