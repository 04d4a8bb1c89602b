"""Any command: the user names its files."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar

from cryoem_cloud.apps.files import named_files, spoken_files
from cryoem_cloud.apps.verdict import last_words, not_started, signal_of
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.job import Exit, Job, Need, Outcome
from cryoem_cloud.model.paths import normal
from cryoem_cloud.model.work import Work
from cryoem_cloud.ports.application import Asked, Called, Cut, Finished, Resumed, Shape
from cryoem_cloud.ports.view import View

__all__ = ["Shell"]


class Shell:
    """Commands that we know nothing of: --in and --out say what they read and write."""

    name: ClassVar[str] = "shell"

    def knows(self, asked: Asked) -> bool:  # noqa: ARG002  (the port's names)
        """Everything; asked last."""
        return True

    def outputs(self, asked: Asked) -> tuple[str, ...]:
        """The folders named with --out.

        Raises:
            UsageError: None was named.
            RefusedError: One lies outside the project.
        """
        folders = tuple(dict.fromkeys(normal(folder) for folder in asked.outputs))
        if not folders:
            raise UsageError(
                "we do not know where this command writes",
                hint="name its output folder with --out DIR (in a script: #CRYOEM out=DIR), "
                "and its inputs with --in PATH",
            )
        return folders

    def needs(self, job: Job, view: View) -> Iterator[Need]:
        """The script's own file, files of the project that its words name, and those of --in."""
        if job.script_path:
            yield Need(path=job.script_path, asked_by="the queue")
        yield from spoken_files(view, job.script, job.cwd)
        yield from named_files(view, job.inputs)

    def executables(self, job: Job, env: Mapping[str, str]) -> tuple[Called, ...]:  # noqa: ARG002
        """None that we know of."""
        return ()

    def adapted(self, job: Job, shape: Shape, view: View) -> str:  # noqa: ARG002  (the port's names)
        """The script as it is."""
        return job.script

    def worker_environment(
        self,
        env: Mapping[str, str],  # noqa: ARG002  (the port's names)
        *,
        is_root: bool,  # noqa: ARG002
        has_csh: bool,  # noqa: ARG002
    ) -> dict[str, str]:
        """Nothing."""
        return {}

    def version(self, printed: Callable[[Sequence[str]], str]) -> str:  # noqa: ARG002
        """Of programs that we know nothing of, none."""
        return ""

    def remarks(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """None."""
        return ()

    def judge(self, job: Job, finished: Finished) -> Exit:  # noqa: ARG002  (the port's names)
        """By the exit code; a success of a script that lacked a program carries a warning."""
        lacking = not_started(finished)
        if finished.code == 0 and not finished.out_of_memory:
            return Exit(outcome=Outcome.SUCCESS, reason=lacking and f"warning: {lacking}")
        if finished.out_of_memory:
            what = "the machine ran out of memory, and the command was killed"
        elif lacking:
            what = f"{lacking} (exit code {finished.code})"
        elif name := signal_of(finished.code):
            what = f"the command was ended by {name}"
        else:
            what = f"the command ended with exit code {finished.code}"
        reason = what + last_words(finished)
        return Exit(outcome=Outcome.FAILURE, code=finished.code, reason=reason)

    def abort_files(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """None."""
        return ()

    def bulk(
        self,
        job: Job,  # noqa: ARG002  (the port's names)
        paths: Iterable[str],  # noqa: ARG002
        *,
        ended: bool,  # noqa: ARG002
    ) -> frozenset[str]:
        """Nothing: all comes home."""
        return frozenset()

    def held_back(self, job: Job) -> tuple[str, ...]:  # noqa: ARG002  (the port's names)
        """None."""
        return ()

    def cut(self, job: Job, view: View) -> Cut | None:  # noqa: ARG002  (the port's names)
        """Not at all: one command on one machine."""
        return None

    def advance(self, job: Job, work: Work, sealed: Collection[str]) -> None:  # noqa: ARG002  (the port's names)
        """Nobody knows how far an unknown program is."""
        return

    def work(self, job: Job, view: View) -> Work | None:  # noqa: ARG002  (the port's names)
        """Nobody knows."""
        return None

    def joined(self, job: Job, paths: Iterable[str]) -> frozenset[str]:  # noqa: ARG002
        """Nothing, as there are no pieces."""
        return frozenset()

    def resumed(
        self,
        job: Job,  # noqa: ARG002  (the port's names)
        script: str,  # noqa: ARG002
        view: View,  # noqa: ARG002
        made: Collection[str],  # noqa: ARG002
    ) -> Resumed | None:
        """A command is run from its beginning."""
        return None

    def speaks(self, job: Job) -> bool:  # noqa: ARG002  (the port's names)
        """Nobody knows."""
        return False

    def longest_folder(self, job: Job) -> int | None:  # noqa: ARG002  (the port's names)
        """Any will do, as far as we know."""
        return None

    def seals(self, job: Job, path: str) -> bool:  # noqa: ARG002  (the port's names)
        """Nothing that we know of."""
        return False

    def replaces(self, job: Job, path: str) -> bool:  # noqa: ARG002  (the port's names)
        """Nothing that we know of."""
        return False
