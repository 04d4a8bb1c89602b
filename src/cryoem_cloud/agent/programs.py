"""A job's programs: the machine's own, or a container's; and whether the user has such."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryoem_cloud.agent.container import contained, container_on, gpus_here
from cryoem_cloud.apps.printing import printed
from cryoem_cloud.ports.application import Application

__all__ = ["Programs", "differing"]

_VERSION = re.compile(r"(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class Programs:
    """What a script's commands are. `image` is the container that it is run in ("": none).

    It stands in `cwd` and sees `folder`, with `environment`.
    """

    image: str
    environment: Mapping[str, str]
    folder: Path
    cwd: Path

    def require(self) -> None:
        """See that this machine can run them.

        Raises:
            MissingInputError: It has nothing that runs the container, or not its file.
        """
        _ = self.around

    @property
    def around(self) -> Callable[[Sequence[str]], Sequence[str]] | None:
        """What makes of a command line one that is run in the container; None where there is none.

        Raises:
            MissingInputError: As `require`.
        """
        if not self.image:
            return None
        found = container_on(self.image, self.environment.get("PATH"))
        return lambda command: contained(
            found.engine,
            found.image,
            gpus=gpus_here(),
            folder=self.folder,
            cwd=self.cwd,
            command=command,
            variables=self.environment,
            user=(os.getuid(), os.getgid()),
        )

    def warning(self, application: Application, *, at_home: str) -> str:
        """A sentence where the submitter has another version than this machine; "" else."""
        if not at_home:
            return ""
        around = self.around or tuple
        run = partial(printed, environment=self.environment)
        here = application.version(lambda command: run(around(command)))
        return differing(application.name.upper(), home=at_home, machine=here)


def differing(name: str, *, home: str, machine: str) -> str:
    """A sentence where major or minor versions differ; "" where they do not, or are unknown."""
    ours, its = _VERSION.match(home), _VERSION.match(machine)
    if not ours or not its or ours.groups() == its.groups():
        return ""
    return (
        f"cryoem: warning: the machine has {name} {machine}, your computer {home}: "
        "files and results may differ"
    )
