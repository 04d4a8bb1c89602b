"""Takes a job from its user: checks what is cheap, spools it, returns. No network."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryoem_cloud.courier.homeward.ways import require_places
from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.courier.known.logs import log_sizes
from cryoem_cloud.courier.known.spool import Slip, Spool
from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.paths import normal
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.application import Application, Asked
from cryoem_cloud.ports.frontend import Frontend
from cryoem_cloud.stores.ids import JobNumbers

__all__ = ["Counter", "mark_refused", "submit"]

_TRAVELS = ("RELION_", "OMP_")
"""Variables that reach the user's programs on any machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Where things go: the spool, the cards, the numbers, and who submits when."""

    spool: Spool
    cards: Cards
    numbers: JobNumbers
    reserve: Callable[[], int]
    """Reserves a block of numbers in the store; may need the network, and gives up in 4 s."""
    submitter: str
    now: datetime
    umask: int
    """The submitter's: the job's programs have it, and what comes home."""
    group: str = ""
    """The submitter's Unix group, for accounts."""


def submit(
    counter: Counter,
    asked: Asked,
    *,
    project: Project,
    application: Application,
    frontend: Frontend,
    environment: Mapping[str, str],
) -> Card:
    """Spool what was asked as a job; once this returns, it is not lost.

    `environment` is the submitter's, without secrets.

    Raises:
        UsageError: The commands do not say where they write.
        RefusedError: They write behind a link that is not the user's, or that leads nowhere.
        StoreError: No job number is left, and the store cannot be reached for more.
    """
    outputs = tuple(map(normal, application.outputs(asked)))
    require_places(project.folder, outputs)
    number = _number(counter)
    folder = project.folder / outputs[0]
    for output in outputs:
        (project.folder / output).mkdir(parents=True, exist_ok=True)
    logs = {name: f"{outputs[0]}/run.{name}" for name in ("out", "err")}
    for name in (*frontend.all_markers(), *frontend.abort_requests()):
        (folder / name).unlink(missing_ok=True)
    job = Job(
        number=number,
        project=project.name,
        name=asked.name or outputs[0],
        application=application.name,
        frontend=frontend.name,
        script=asked.script,
        script_path=asked.script_path,
        outputs=outputs,
        logs=logs,
        log_starts=log_sizes(project.folder, logs),
        submitter=counter.submitter,
        submitted_at=counter.now.isoformat(timespec="seconds"),
        wish=asked.wish,
        environment={k: v for k, v in environment.items() if k.startswith(_TRAVELS)},
        inputs=asked.inputs,
        folder_inode=folder.stat().st_ino,
        cwd=normal(asked.cwd),
        after=tuple(dict.fromkeys(asked.after)),
        resumes=asked.resumes,
        group=counter.group,
    )
    card = Card.of_job(job, project)
    counter.spool.add(Slip(job=job, project=project, environment=environment, umask=counter.umask))
    try:
        counter.cards.add(card)
    except OSError:
        counter.spool.take_out(card.slip_name)
        raise
    return card


def mark_refused(folder: Path, frontend: Frontend, *, top: Path, reason: str) -> None:
    """Tell a front end that looks for markers only that its job was refused, and why.

    `folder` is the job's, `top` the project's; what cannot be written there is left.
    """
    if not frontend.all_markers():
        return
    markers = frontend.markers(Exit(outcome=Outcome.FAILURE, code=1, reason=reason))
    with suppress(OSError):
        with (folder / "run.err").open("a", encoding="utf-8", errors="surrogateescape") as err:
            err.write(f"cryoem: refused: {reason}\n")
        for name in markers:
            (folder / name).touch()
        frontend.nudge(top)


def _number(counter: Counter) -> int:
    number = counter.numbers.draw()
    while number is None:
        try:
            counter.numbers.add(counter.reserve())
        except StoreError as error:
            number = counter.numbers.draw()
            if number is not None:  # another submission has reserved some meanwhile
                return number
            raise type(error)(
                f"no job number is left, and the store gives none: {error.message}",
                hint=error.hint or "try again once the store can be reached",
            ) from error
        number = counter.numbers.draw()
    return number
