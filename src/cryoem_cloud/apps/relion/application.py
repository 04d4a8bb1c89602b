"""RELION as an application."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from cryoem_cloud.apps.relion import (
    adapt,
    advance,
    bulk,
    checkpoints,
    closure,
    executables,
    judge,
    pieces,
    remarks,
    unfinished,
    work,
)
from cryoem_cloud.apps.relion.plain import require_plain
from cryoem_cloud.apps.relion.script import (
    SCRIPT_NAME,
    calls,
    job_folder,
    looks_like_relion,
)
from cryoem_cloud.model.errors import RefusedError, UsageError
from cryoem_cloud.model.job import Exit, Job, Need
from cryoem_cloud.model.paths import normal
from cryoem_cloud.model.work import Work
from cryoem_cloud.ports.application import (
    Advance,
    Asked,
    Called,
    Cut,
    Finished,
    Resumed,
    Shape,
    Uncut,
)
from cryoem_cloud.ports.view import View

__all__ = ["Relion"]

_VERSION = re.compile(r"RELION version: *(\d[0-9A-Za-z.]*)")
_CTFFIND = "relion_run_ctffind"
_CTFFIND_FOLDER_BYTES = 179
"""It has 180 for the path and its end, in 3.1.3 as in 5.0.1 (ctffind_runner.cpp, getcwd)."""


class Relion:
    """Programs of RELION 3.1 to 5.0, called from scripts that RELION or a user wrote."""

    name: ClassVar[str] = "relion"

    def knows(self, asked: Asked) -> bool:
        """See the port."""
        return looks_like_relion(asked.script, asked.script_path)

    def outputs(self, asked: Asked) -> tuple[str, ...]:
        """The jobs' folders: from --pipeline_control, from --o and its like, from the script's.

        Raises:
            UsageError: The commands do not say where they write, or not plainly what they read.
            FormatError: The script is not bash.
        """
        require_plain(asked)
        told = [folder for call in calls(asked.script) if (folder := job_folder(call))]
        if not told and asked.script_path.endswith("/" + SCRIPT_NAME):
            told = [asked.script_path.removesuffix("/" + SCRIPT_NAME)]
        folders = [_inside(folder) for folder in (*told, *asked.outputs)]
        if not folders:
            raise UsageError(
                "the script does not say where it writes",
                hint="give the program --o FOLDER/NAME, or name the folder with --out",
            )
        return tuple(dict.fromkeys(folders))

    def needs(self, job: Job, view: View) -> Iterator[Need]:
        """See the port."""
        return closure.needs(job, view)

    def executables(self, job: Job, env: Mapping[str, str]) -> tuple[Called, ...]:
        """See the port."""
        return executables.executables(job, env)

    def adapted(self, job: Job, shape: Shape, view: View) -> str:
        """See the port."""
        return adapt.adapted(job, shape, view)

    def worker_environment(
        self, env: Mapping[str, str], *, is_root: bool, has_csh: bool
    ) -> dict[str, str]:
        """What the programs need of a machine's environment beyond `env`."""
        return adapt.worker_environment(env, is_root=is_root, has_csh=has_csh)

    def version(self, printed: Callable[[Sequence[str]], str]) -> str:
        """See the port: as RELION's programs say it themselves, `RELION version: 5.0.1`."""
        found = _VERSION.search(printed(("relion_refine", "--version")))
        return found[1] if found else ""

    def remarks(self, job: Job) -> tuple[str, ...]:
        """Which of the job's programs were not run by us, or not so."""
        return remarks.remarks(job)

    def judge(self, job: Job, finished: Finished) -> Exit:
        """See the port."""
        return judge.judge(job, finished)

    def abort_files(self, job: Job) -> tuple[str, ...]:
        """The file that RELION's programs look for while they work."""
        return tuple(f"{folder}/{judge.ABORT_NOW}" for folder in job.outputs)

    def bulk(self, job: Job, paths: Iterable[str], *, ended: bool) -> frozenset[str]:
        """See the port: aligned micrographs, particle stacks, earlier iterations and the like."""
        return bulk.bulk(job, paths, ended=ended)

    def held_back(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """Each program of a script leaves its marker when it ends; only the last one counts."""
        return judge.MARKERS

    def cut(self, job: Job, view: View) -> Cut | Uncut:
        """See the port: by micrographs."""
        return pieces.cut(job, view)

    def work(self, job: Job, view: View) -> Work | None:
        """See the port: of scripts with one program that we know the times of."""
        return work.work(job, view)

    def advance(self, job: Job, work: Work, sealed: Collection[str]) -> Advance | None:
        """See the port: by iterations, or by micrographs."""
        return advance.advance(job, work, sealed)

    def joined(self, job: Job, paths: Iterable[str]) -> frozenset[str]:
        """See the port: joined lists, their pictures and the log file of plots."""
        return pieces.joined(job, paths)

    def resumed(self, job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
        """See the port: by RELION's own ways to go on."""
        return unfinished.resumed(job, script, view, made) or checkpoints.resumed(
            job, script, view, made
        )

    def speaks(self, job: Job) -> bool:
        """RELION's own programs do: their bars of progress go into run.out."""
        return all(call.silent or call.program is not None for call in calls(job.script))

    def longest_folder(self, job: Job) -> int | None:
        """What CtfFind takes: with a longer path its links to micrographs lead nowhere."""
        found = any(call.name.removesuffix("_mpi") == _CTFFIND for call in calls(job.script))
        return _CTFFIND_FOLDER_BYTES if found else None

    def seals(self, job: Job, path: str) -> bool:
        """See the port: the file that an iteration, or a micrograph, writes last."""
        return checkpoints.seals(job, path) or unfinished.seals(job, path)

    def replaces(self, job: Job, path: str) -> bool:
        """See the port: an iteration does, a micrograph does not."""
        return checkpoints.seals(job, path)


def _inside(folder: str) -> str:
    """An output folder as a path of the project."""
    try:
        path = normal(folder)
    except RefusedError as error:
        where = "named by its absolute path" if folder.startswith("/") else "outside the project"
        raise UsageError(
            f"the job writes to {folder}, which is {where}",
            hint="let it write to a folder of the project, named relative to it",
        ) from error
    if path == ".":
        raise UsageError(
            "the job writes into the project's top folder",
            hint="give it a folder of its own: --o FOLDER/NAME",
        )
    return path
