"""A job: what the user submitted. And its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Self

from cryoem_cloud.model.door import Door
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import (
    JSON,
    decode,
    encode,
    integer,
    integers,
    items,
    mapping,
    text,
)
from cryoem_cloud.model.usd import ZERO, usd

__all__ = ["Exit", "Job", "Need", "Outcome", "Wish"]


_CONTAINERS = 3
"""The version of records of jobs whose programs are run in a container."""


class Outcome(Enum):
    """How a job ended; exactly one of these."""

    SUCCESS = "success"
    FAILURE = "failure"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a job's command ended, with the reason in the user's language.

    `lost` says that something else than an error of its own ended it, so that it may come to an end
    where it goes on. No record carries that.
    """

    outcome: Outcome
    code: int = 0
    reason: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user asked of the machines. Zero and empty mean: we choose.

    `machine` is a machine type of the provider's, or several with commas between, `market` one of
    `model.offer.MARKETS`, `hours` how long the machines may be there at most. `max_machines` is how
    many a plan may choose at most, where `count` does not say how many. `deadline_s` is in
    how many seconds the results are to be home, `budget_usd` what the machines are to cost at most,
    both nine times of ten.
    `home` is what comes home, "all" or "essential"; in a job that was submitted it is one of them.
    `codec` is the setting of that name, for outputs; "" in jobs from before: as they are.
    `pieces` is into how many pieces the job is cut; 1: not at all. `image` is what machines begin
    with, as the provider calls it; `container` the container in which the programs are run. `door`
    lets the submitter in to the machines; None: nobody is let in.
    """

    where: str = ""
    machine: str = ""
    market: str = ""
    count: int = 0
    max_machines: int = 0
    home: str = ""
    codec: str = ""
    ranks: int = 1
    threads: int = 1
    pieces: int = 0
    hours: int = 0
    image: str = ""
    container: str = ""
    door: Door | None = None
    deadline_s: int = 0
    budget_usd: Decimal = ZERO

    @property
    def essential(self) -> bool:
        """Whether bulk stays in the store; of jobs from before there was a choice, nothing did."""
        return self.home == "essential"

    @property
    def several(self) -> bool:
        """Whether several machines were to share the job."""
        return self.count > 1 or self.pieces > 1

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "where": self.where,
            "machine": self.machine,
            "market": self.market,
            "count": self.count,
            "home": self.home,
            "ranks": self.ranks,
            "threads": self.threads,
            **({"codec": self.codec} if self.codec else {}),
            **({"max_machines": self.max_machines} if self.max_machines else {}),
            **({"pieces": self.pieces} if self.pieces else {}),
            **({"hours": self.hours} if self.hours else {}),
            **({"image": self.image} if self.image else {}),
            **({"container": self.container} if self.container else {}),
            **({"door": self.door.to_json()} if self.door else {}),
            **({"deadline_s": self.deadline_s} if self.deadline_s else {}),
            **({"budget_usd": str(self.budget_usd)} if self.budget_usd else {}),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> Self:
        """From JSON."""
        return cls(
            where=text(fields, "where", ""),
            machine=text(fields, "machine", ""),
            market=text(fields, "market", ""),
            count=integer(fields, "count", 0),
            max_machines=integer(fields, "max_machines", 0),
            home=text(fields, "home", ""),
            codec=text(fields, "codec", ""),
            ranks=integer(fields, "ranks", 1),
            threads=integer(fields, "threads", 1),
            pieces=integer(fields, "pieces", 0),
            hours=integer(fields, "hours", 0),
            image=text(fields, "image", ""),
            container=text(fields, "container", ""),
            door=Door.from_json(mapping(fields, "door")) if "door" in fields else None,
            deadline_s=integer(fields, "deadline_s", 0),
            budget_usd=usd(text(fields, "budget_usd", "0")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An input of a job: a path, whether its bytes matter, and who asks for it.

    With a `target` it is a link to that path of the project, and has no bytes of its own.
    """

    path: str
    stub: bool = False
    asked_by: str = "the command"
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the user submitted; immutable once it is in the store as `jobs/<id>/job.json`.

    `script` is run by bash in `cwd`, a folder of the project. `script_path` is where the user's
    script lies in the project ("" for standard input or a bare command). `outputs` are the folders,
    relative to the project, that the job may write; `logs` maps "out" and "err" to the files at
    home that its standard output and error belong in, and `log_starts` gives the bytes these held
    at submission. `frontend` says whose markers to write. `environment` is what may leave this
    computer of the submitter's (RELION_*, OMP_*). `folder_inode` is that of the first output
    folder: a folder that was deleted and made again is another. `group` is the Unix group of
    who submitted it, for accounts ("": an earlier version did). `resumes` is the number of the job
    that this one goes on from; 0: it begins anew.
    """

    number: int
    project: str
    name: str
    application: str
    frontend: str
    script: str
    script_path: str
    outputs: tuple[str, ...]
    logs: Mapping[str, str]
    log_starts: Mapping[str, int]
    submitter: str
    submitted_at: str
    wish: Wish = field(default_factory=Wish)
    environment: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    folder_inode: int = 0
    cwd: str = "."
    after: tuple[int, ...] = ()
    resumes: int = 0
    group: str = ""

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "job",
            {
                "number": self.number,
                "project": self.project,
                "name": self.name,
                "application": self.application,
                "frontend": self.frontend,
                "script": self.script,
                "script_path": self.script_path,
                "outputs": list(self.outputs),
                "logs": dict(self.logs),
                "log_starts": dict(self.log_starts),
                "submitter": self.submitter,
                "submitted_at": self.submitted_at,
                "wish": self.wish.to_json(),
                "environment": dict(self.environment),
                "inputs": list(self.inputs),
                "folder_inode": self.folder_inode,
                "cwd": self.cwd,
                # Jobs of older versions have none, and must stay the bytes that they are.
                **({"after": list(self.after)} if self.after else {}),
                **({"resumes": self.resumes} if self.resumes else {}),
                **({"group": self.group} if self.group else {}),
            },
            version=_CONTAINERS if self.wish.container else 1,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is not a job.
        """
        fields = decode("job", data)
        starts = mapping(fields, "log_starts")
        if not all(isinstance(start, int) for start in starts.values()):
            raise FormatError(f"a job's log_starts should be whole numbers: {starts!r}")
        return cls(
            number=integer(fields, "number"),
            project=text(fields, "project"),
            name=text(fields, "name"),
            application=text(fields, "application"),
            frontend=text(fields, "frontend"),
            script=text(fields, "script"),
            script_path=text(fields, "script_path", ""),
            outputs=tuple(map(str, items(fields, "outputs"))),
            logs={str(key): str(path) for key, path in mapping(fields, "logs").items()},
            log_starts=dict(starts),
            submitter=text(fields, "submitter", ""),
            submitted_at=text(fields, "submitted_at", ""),
            wish=Wish.from_json(mapping(fields, "wish")),
            environment={str(k): str(v) for k, v in mapping(fields, "environment").items()},
            inputs=tuple(map(str, items(fields, "inputs"))),
            folder_inode=integer(fields, "folder_inode", 0),
            cwd=text(fields, "cwd", "."),
            after=integers(fields, "after"),
            resumes=integer(fields, "resumes", 0),
            group=text(fields, "group", ""),
        )
