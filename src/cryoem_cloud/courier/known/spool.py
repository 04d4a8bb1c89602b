"""The spool: what has been submitted on this computer and is not home yet.

A slip is a file that only the user can read; it holds the submitter's environment (without what
looks like a secret) for programs that run on this very computer. Slips survive reboots.
"""

import base64
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from cryoem_cloud.courier.known.chains import before
from cryoem_cloud.courier.known.projects import folder_of
from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.errors import FormatError, NewerFormatError
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import decode, encode, integer, mapping, text

__all__ = ["Again", "Slip", "Spool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A job that this computer's courier has to bring home.

    `job` is as the store has it. `here` is what differs where another computer submitted it: the
    job's folder and logs are others on this one. `umask` is the submitter's; None on slips of older
    versions.
    """

    job: Job
    project: Project
    here: Job | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    umask: int | None = None

    @property
    def name(self) -> str:
        """The slip's file name without its ending."""
        return f"{self.job.number:08d}.{self.project.name}"

    @property
    def job_here(self) -> Job:
        """The job, with what this computer's folder was like when it was taken on."""
        return self.here or self.job

    def in_folder(self, folder: Path) -> "Slip":
        """For a project that has moved."""
        return replace(self, project=replace(self.project, folder=folder))

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "slip",
            {
                "job": _packed(self.job),
                "here": _packed(self.here) if self.here else "",
                "project": self.project.name,
                "store": self.project.store,
                "folder": self.project.folder.as_uri(),
                "environment": dict(self.environment),
                **({} if self.umask is None else {"umask": self.umask}),
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is not a slip.
        """
        fields = decode("slip", data)
        here = text(fields, "here", "")
        return cls(
            job=_unpacked(text(fields, "job")),
            here=_unpacked(here) if here else None,
            project=Project(
                name=text(fields, "project"),
                store=text(fields, "store"),
                folder=folder_of(text(fields, "folder")),
            ),
            environment={str(k): str(v) for k, v in mapping(fields, "environment").items()},
            umask=integer(fields, "umask") & 0o777 if "umask" in fields else None,
        )


def _packed(job: Job) -> str:
    return base64.b64encode(job.to_bytes()).decode()


def _unpacked(packed: str) -> Job:
    try:
        return Job.from_bytes(base64.b64decode(packed))
    except ValueError as error:
        raise FormatError("a slip's job is no base64") from error


@dataclass(frozen=True, slots=True)
class Again:
    """A job that was submitted into the folder of an earlier one: `instead` of it, or after it."""

    number: int
    instead: bool


class Spool:
    """The slips below one folder, and requests to stop beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs: dict[str, Job] = {}

    def add(self, slip: Slip) -> None:
        """Keep a slip; from here on the job is not lost."""
        write_whole(self._folder / f"{slip.name}.slip", slip.to_bytes())

    def slips(self) -> tuple[Slip, ...]:
        """All slips that can be read, by number; one that is damaged must stop no other."""
        found = (self.slip(file.stem) for file in sorted(self._folder.glob("*.slip")))
        return tuple(slip for slip in found if slip is not None)

    def slip(self, name: str) -> Slip | None:
        """The slip of that name; None where there is none that can be read."""
        try:
            return Slip.from_bytes((self._folder / f"{name}.slip").read_bytes())
        except (FileNotFoundError, FormatError):
            return None

    def submitted_again(self, slip: Slip) -> Again | None:
        """What was submitted into the slip's folder after it, if anything was.

        Cheap: a slip is read once.
        """
        names = sorted(file.stem for file in self._folder.glob(f"*.{slip.project.name}.slip"))
        for name in names[bisect_right(names, slip.name) :]:
            if name not in self._jobs and (found := self.slip(name)) is not None:
                self._jobs[name] = found.job
        later = {job.number: job for name, job in self._jobs.items() if name in names}
        there = [job for job in later.values() if job.outputs[0] == slip.job.outputs[0]]
        there = [job for job in there if job.number > slip.job.number]
        instead = [job for job in there if slip.job.number not in before(job.after, later.get)]
        found_job = next(iter((*instead, *there)), None)
        return Again(found_job.number, instead=bool(instead)) if found_job else None

    def damaged(self) -> tuple[str, ...]:
        """The names of slips that nobody can read."""
        return self._that(lambda trouble: not isinstance(trouble, NewerFormatError))

    def newer(self) -> tuple[str, ...]:
        """The names of slips that a newer cryoem wrote, and that it alone can bring home."""
        return self._that(lambda trouble: isinstance(trouble, NewerFormatError))

    def _that(self, wanted: Callable[[FormatError], bool]) -> tuple[str, ...]:
        """The names of slips that cannot be read for such a reason."""
        found = ((file.stem, _trouble(file)) for file in sorted(self._folder.glob("*.slip")))
        return tuple(name for name, trouble in found if trouble and wanted(trouble))

    def set_aside(self, name: str) -> None:
        """Keep a damaged slip where it is in nobody's way."""
        file = self._folder / f"{name}.slip"
        file.replace(file.with_suffix(".damaged"))

    def follow(self, project: Project) -> None:
        """Have the project's jobs come home where it is now."""
        for slip in self.slips():
            if slip.project.name == project.name and slip.project.folder != project.folder:
                self.add(slip.in_folder(project.folder))

    def holds(self, name: str) -> bool:
        """Whether there is a slip of that name."""
        return (self._folder / f"{name}.slip").exists()

    def take_out(self, name: str) -> None:
        """See to it that the slip is gone; its job is home, or given up."""
        for ending in ("slip", "stop", "approved"):
            (self._folder / f"{name}.{ending}").unlink(missing_ok=True)

    def ask_stop(self, name: str) -> None:
        """Ask the courier to stop the job."""
        write_whole(self._folder / f"{name}.stop", b"")

    def stop_asked(self, name: str) -> bool:
        """Whether somebody has asked for that."""
        return (self._folder / f"{name}.stop").exists()

    def approve(self, name: str) -> None:
        """Tell the courier that the user agrees to what the job may cost."""
        write_whole(self._folder / f"{name}.approved", b"")

    def approved(self, name: str) -> bool:
        """Whether the user does, as far as this computer knows."""
        return (self._folder / f"{name}.approved").exists()

    def empty(self) -> bool:
        """Whether nothing is on its way."""
        return not any(self._folder.glob("*.slip"))


def _trouble(file: Path) -> FormatError | None:
    """Why a slip cannot be read, if it cannot."""
    try:
        Slip.from_bytes(file.read_bytes())
    except FileNotFoundError:
        return None
    except FormatError as error:
        return error
    return None
