"""Runs a job's programs in a container: from what the user wants to a command line."""

import posixpath
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.model.errors import MissingInputError

__all__ = ["Container", "contained", "container_on", "gpus_here"]

_APPTAINERS = ("apptainer", "singularity")
_DOCKER = "docker://"
_OWN = frozenset({"PATH", "HOME", "HOSTNAME", "PWD", "SHLVL", "LD_LIBRARY_PATH", "PYTHONPATH"})
"""Variables that a container has of its own."""


def contained(
    engine: str,
    image: str,
    *,
    gpus: int,
    folder: Path,
    cwd: Path,
    command: Sequence[str],
    variables: Iterable[str] = (),
    user: tuple[int, int] = (0, 0),
) -> tuple[str, ...]:
    """The command line that runs `command` in a container of `image`, standing in `cwd`.

    `engine` is the path of Apptainer's, Singularity's or Docker's program. The container sees
    `folder` under its own path, and all GPUs where there are any. The variables of these names
    reach it (Apptainer: all do), and files that it makes are the user's.

    The options: apptainer.org/docs, "apptainer exec"; docs.docker.com, "docker container run".
    """
    if posixpath.basename(engine) in _APPTAINERS:
        bound = ("--bind", f"{folder}:{folder}", "--pwd", str(cwd))
        return (engine, "exec", *(["--nv"] if gpus else []), *bound, image, *command)
    nvidia = ("--gpus", "all") if gpus else ()
    passed = [word for name in sorted({*variables} - _OWN) for word in ("--env", name)]
    return (
        *(engine, "run", "--rm", "--init", "--ipc", "host", *nvidia),
        *("--user", f"{user[0]}:{user[1]}", "--volume", f"{folder}:{folder}"),
        *("--workdir", str(cwd), *passed, image.removeprefix(_DOCKER), *command),
    )


@dataclass(frozen=True, slots=True)
class Container:
    """An image, and the path of what runs it here."""

    engine: str
    image: str


def container_on(image: str, path: str | None) -> Container:
    """What runs an image on this machine: Apptainer, else Docker for images of its own.

    `path` is where programs are looked for.

    Raises:
        MissingInputError: Nothing here does, or the image's file is not here.
    """
    engines = (*_APPTAINERS, *(("docker",) if image.startswith(_DOCKER) else ()))
    found = next(filter(None, (shutil.which(name, path=path) for name in engines)), "")
    if not found:
        raise MissingInputError(
            f"the job is to run in the container {image}, and the machine has no "
            f"{' and no '.join(engines)}",
            hint="take a machine image that has it (cryoem aws image scripts), or no container",
        )
    if "://" not in image and not Path(image).exists():
        raise MissingInputError(
            f"the machine has no container {image}",
            hint="container names a file of the machine's image, or docker://NAME:TAG",
        )
    return Container(found, image)


def gpus_here() -> int:
    """How many of NVIDIA's GPUs this machine has."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))
