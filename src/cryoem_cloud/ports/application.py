"""What we know of the programs that jobs run."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryoem_cloud.model.job import Exit, Job, Need, Wish
from cryoem_cloud.model.work import Work
from cryoem_cloud.ports.view import View

__all__ = [
    "START_BYTES",
    "Advance",
    "Application",
    "Asked",
    "Called",
    "Cut",
    "Finished",
    "Resumed",
    "Shape",
    "Uncut",
]

START_BYTES = 64 * 1024
"""Of a file that is looked into when a script has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a user submitted, before anybody has understood it.

    `script` is bash text, `script_path` where it lies in the project ("" if nowhere); `cwd` is the
    folder, relative to the project, in which the user stands ("." for the project itself);
    `inputs` and `outputs` are what the user named with --in and --out, relative to the project;
    `name` is what the user calls the job ("": by its first output folder); `after` are the numbers
    of jobs of the project that must have ended well before; `resumes` is the number of one that has
    ended, and from which this one goes on (0: none).
    """

    project: Path
    script: str
    script_path: str = ""
    cwd: str = "."
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    name: str = ""
    after: tuple[int, ...] = ()
    resumes: int = 0
    wish: Wish = field(default_factory=Wish)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A machine, as far as a program's command line cares. Memory in GiB.

    `scratch` is a folder that no other machine uses, on a disk that is faster than the one with its
    copy of the project ("": none is). `fixed` says that counts must stay as the user gave them,
    `here` that it is the submitter's own computer. `executables` says where it has other programs
    that a job's programs call, by our names for these; what is not named is where the job itself
    says.
    """

    cores: int
    memory_gib: float
    gpus: int = 0
    scratch: str = ""
    fixed: bool = False
    here: bool = False
    executables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Another program that a job's programs call, as the job stands.

    `name` is our word for it; `word` the path or name by which the job calls it ("": none is
    known), `asked_by` what says so, and `remedy` what to do where a machine lacks it. `certain`
    says that nothing in the script may yet change which program is meant.
    """

    name: str
    word: str
    asked_by: str
    remedy: str
    certain: bool


def _nothing(path: str) -> bytes:  # noqa: ARG001  (the name is part of what `read` is)
    """Of a project that cannot be looked into."""
    return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a script ended: its exit code (negative: the signal), the markers that the program left.

    `markers` are file names found in the job's folder; `tail_out` and `tail_err` the last lines of
    the logs; `out_of_memory` says that the kernel killed it for its memory. `read` gives the start
    of a file that the machine has of the project, START_BYTES at most (b"" where it has none).
    `piece` says that it ran on a piece of the job, which is for its items alone.
    """

    code: int
    markers: tuple[str, ...] = ()
    tail_out: str = ""
    tail_err: str = ""
    out_of_memory: bool = False
    read: Callable[[str], bytes] = _nothing
    piece: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How a job is cut into pieces: by the items of one list.

    `path` is the list in the project, `items` how many it has, `noun` what a user calls them.
    `script` is what a piece runs whose first item has that number. `seconds` is a rough time of
    one item on one core. `part` gives the list's bytes with the items from the first number up to
    the second (from 0, without the second) and no others, all else unchanged: with all items, the
    list itself. Items are in the list's order. It may raise a RefusedError where the list has
    changed since.
    """

    path: str
    items: int
    noun: str
    seconds: float
    script: Callable[[int], str]
    part: Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How far a running job is: the share of its work that is done (0 to 1), and that in words."""

    share: float
    told: str


@dataclass(frozen=True, slots=True)
class Uncut:
    """Why a job is not cut: words for a user, to follow on "runs on one machine: "."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """How a task goes on from files that were made for it before.

    `script` is what runs now. Of what was made, `reads` are the files whose bytes matter to it,
    `tests` those that must only exist; none of these is changed by a script that does not make it
    again. `stands` are those that remain outputs as they are; all else is void. Inputs of the task
    that are `idle` must only exist.
    """

    script: str
    reads: frozenset[str]
    tests: frozenset[str]
    stands: frozenset[str]
    idle: frozenset[str] = frozenset()


class Application(Protocol):
    """A family of programs: what its jobs read and write, and how they are changed and judged.

    Pure but for reading the project's files. Nothing in the project is trusted to be well-formed.
    """

    @property
    def name(self) -> str:
        """The word that job.json carries."""
        ...

    def knows(self, asked: Asked) -> bool:
        """Whether these are commands of this family. Reads nothing; called before the store is."""
        ...

    def outputs(self, asked: Asked) -> tuple[str, ...]:
        """The folders, relative to the project, that the job may write; never empty.

        Raises:
            UsageError: The commands do not say where they write.
        """
        ...

    def needs(self, job: Job, view: View) -> Iterator[Need]:
        """Every file of the project that the job opens, and as stubs those it only tests.

        A path may be met more than once; a need with bytes wins over a stub. A path that the job
        asks for is given even where the view has no such file: the caller finds that out. Paths
        are as the job says them, through links where it does. May be slow.

        Raises:
            MissingInputError: A list that must be followed is not there; the message names the
                file and who asks for it.
            FormatError: A list that must be followed cannot be read; the message names the line.
            RefusedError: The job asks for something that cannot travel; the message says why.
        """
        ...

    def executables(self, job: Job, env: Mapping[str, str]) -> Sequence[Called]:
        """The other programs that the job's programs call, `env` being the submitter's environment.

        Raises:
            FormatError: The script cannot be understood.
        """
        ...

    def adapted(self, job: Job, shape: Shape, view: View) -> str:
        """The job's script for a machine of that shape; unchanged where the user fixed counts.

        It may look into the job's inputs, and what it cannot read it does without. Where it expects
        trouble on such a machine, the script says so first.

        Raises:
            FormatError: The script cannot be understood.
            RefusedError: As `needs` does.
        """
        ...

    def worker_environment(
        self, env: Mapping[str, str], *, is_root: bool, has_csh: bool
    ) -> Mapping[str, str]:
        """Variables that the programs need on a machine beyond `env`, which stands."""
        ...

    def version(self, printed: Callable[[Sequence[str]], str]) -> str:
        """The programs' version where `printed` runs commands, and gives what they print; "": none.

        `printed` never raises: what cannot be run prints nothing.
        """
        ...

    def remarks(self, job: Job) -> Sequence[str]:
        """What the user should know before the script says anything: lines for its output log.

        Raises:
            FormatError: The script cannot be understood.
        """
        ...

    def judge(self, job: Job, finished: Finished) -> Exit:
        """Success, failure with a reason in the user's language, or aborted."""
        ...

    def abort_files(self, job: Job) -> Sequence[str]:
        """Paths that, once they exist, make the programs end by themselves; empty if none do."""
        ...

    def bulk(self, job: Job, paths: Iterable[str], *, ended: bool) -> frozenset[str]:
        """Those of `paths`, outputs of the job, that stay where bringing them home costs money.

        Until the job has `ended` that is all that belongs to any iteration. Then `paths` are all
        outputs, and of the last iteration nothing stays: never more than before. Looks at nothing.
        """
        ...

    def held_back(self, job: Job) -> Sequence[str]:
        """Names of marker files that must not come home before the script has ended."""
        ...

    def cut(self, job: Job, view: View) -> Cut | Uncut | None:
        """How the job may be cut into pieces that machines work on alone, or why it may not.

        None where no job of the family may. `view` has none of what the job's machines have made
        of it. The pieces' outputs and, over them, what `resumed` runs then, are what the job alone
        makes.

        Raises:
            MissingInputError, FormatError: As `needs` does.
        """
        ...

    def work(self, job: Job, view: View) -> Work | None:
        """What the job computes, in numbers; None where nobody knows.

        Lists are counted, and of the images that they name the first one's header is read: `view`
        had better have these at hand. An image that is not there yet leaves its numbers at 0.

        Raises:
            MissingInputError, FormatError, RefusedError: As `needs` does.
        """
        ...

    def advance(self, job: Job, work: Work, sealed: Collection[str]) -> Advance | None:
        """How far a running job with that work is; None where nobody can tell.

        `sealed` are its outputs so far that seal (see `seals`), of all its machines. Looks at
        nothing. An application without this method cannot tell.
        """
        ...

    def joined(self, job: Job, paths: Iterable[str]) -> frozenset[str]:
        """Those of `paths`, outputs of a piece, that are made from all pieces once they are joined.

        Looks at nothing.
        """
        ...

    def resumed(self, job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
        """How a task that would run `script` goes on from the files `made`; None: it begins anew.

        `view` has the task's inputs and what was made: by lost machines, by a job's pieces, or by
        the job that this one resumes. Of what is made, other items' files may be among it.

        Raises:
            MissingInputError, FormatError: A list cannot be followed.
        """
        ...

    def speaks(self, job: Job) -> bool:
        """Whether all that the job runs writes something as it works, every few minutes.

        One of these that has written nothing for an hour hangs, however busy it seems: programs
        that wait for each other by MPI use whole processors. Looks at nothing.
        """
        ...

    def longest_folder(self, job: Job) -> int | None:
        """How many bytes the path may have of the folder in which the script runs; None: any.

        Programs that take no more may go wrong unseen. Looks at nothing.
        """
        ...

    def seals(self, job: Job, path: str) -> bool:
        """Whether an output is written once what was written before it is whole.

        It is sent after that, so that a machine that finds it finds everything. Looks at nothing.
        """
        ...

    def replaces(self, job: Job, path: str) -> bool:
        """Whether an output that seals makes what was sealed before it needless to go on from.

        Where not all can be sent in time, the newest of these is sent first. Looks at nothing.
        """
        ...
