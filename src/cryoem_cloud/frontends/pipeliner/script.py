"""The pipeliner's script as it is handed to us, and as machines get it."""

import posixpath
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from cryoem_cloud.apps.bash import Command as Line
from cryoem_cloud.apps.bash import commands
from cryoem_cloud.frontends.pipeliner.plan import Command, Plan
from cryoem_cloud.frontends.registry import RUNNER
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.record import decode, encode, integer, items, text

__all__ = ["Planned", "Runner", "machine_script"]

_MARK = "# cryoem planned: "
"""A comment in a script for machines: what is to be known of it at home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """How job_runner would be started: the words before it, and the job's file behind it."""

    words: tuple[str, ...]
    job_star: str

    @property
    def folder(self) -> str:
        """The job's folder."""
        return posixpath.dirname(self.job_star)

    @classmethod
    def of(cls, script: str) -> Self:
        """From the script that the pipeliner made.

        Raises:
            RefusedError: It starts job_runner in no way that we know.
            FormatError: It is not bash.
        """
        line, at = _runner_line(script)
        words = tuple(word.text for word in line.words)
        if at == 0 or len(words) != at + 2:
            raise RefusedError(
                "the script does not start the pipeliner's job_runner with one file",
                hint="let XXXcommandXXX stand alone in its line of the template",
            )
        return cls(words=words[:at], job_star=words[at + 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a script for machines says of itself: `done` of the job's commands are behind it."""

    runner: Runner
    done: int

    @classmethod
    def in_(cls, script: str) -> Self | None:
        """From a script for machines; None where it is none.

        Raises:
            FormatError: A newer version of us wrote it.
        """
        line = next((ln for ln in script.splitlines() if ln.startswith(_MARK)), None)
        if line is None:
            return None
        fields = decode("planned", line.removeprefix(_MARK).encode())
        words = tuple(map(str, items(fields, "words")))
        return cls(
            runner=Runner(words=words, job_star=text(fields, "job_star")),
            done=integer(fields, "done"),
        )

    @property
    def line(self) -> str:
        """As it stands in the script; it names the runner, by which the caller is known."""
        fields = {
            "words": list(self.runner.words),
            "job_star": self.runner.job_star,
            "runner": RUNNER,
            "done": self.done,
        }
        return _MARK + encode("planned", fields).decode()


def machine_script(script: str, plan: Plan) -> str:
    """The user's script with the machines' commands in the place of the runner.

    Raises:
        RefusedError: The job is not for machines.
        FormatError: The script is not bash.
    """
    line, _ = _runner_line(script)
    first, end = plan.span
    planned = Planned(runner=Runner.of(script), done=end)
    folder, total = planned.runner.folder, len(plan.commands)
    body = [planned.line]
    for number, command in enumerate(plan.commands[first:end], first + 1):
        body.extend(_lines(command, f"job {folder}/: Running command {number} of {total}"))
    return script[: line.words[0].start] + "\n".join(body) + script[line.words[-1].end :]


def _lines(command: Command, title: str) -> Iterator[str]:
    """A command as job_runner would run it: its words in the log, and the end where it fails."""
    words = shlex.join(command.for_machines)
    yield f"echo {shlex.quote(f'CCP-EM Pipeliner {title}: {words}')}"
    yield f"{words} || {':' if command.optional else 'exit'}"


def _runner_line(script: str) -> tuple[Line, int]:
    for line in commands(script):
        for at, word in enumerate(line.words):
            if word.text.endswith(RUNNER):
                return line, at
    raise RefusedError(
        "the script does not start the pipeliner's job_runner",
        hint="let XXXcommandXXX stand alone in its line of the template",
    )
