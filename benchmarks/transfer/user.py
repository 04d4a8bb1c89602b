"""A user of ours: a home and a project of their own, and the commands as they would type them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.transfer.rivals import environment
from benchmarks.transfer.sinks import OUR_BUCKET, Sink

__all__ = ["CRYOEM", "User", "knows_codec", "linked", "new_user"]

CRYOEM = str(Path(sys.executable).parent / "cryoem")
DATA = "data"
"""The folder, in the project, that is moved."""


@dataclass(frozen=True, slots=True)
class User:
    """`project` holds `data`; `env` is all that the commands see of this computer's settings."""

    project: Path
    env: Mapping[str, str]

    @property
    def data(self) -> Path:
        """What is moved."""
        return self.project / DATA

    def push(self, *, raw: bool = False) -> Sequence[str]:
        """The command that sends it."""
        return (CRYOEM, "push", *(("--codec", "none") if raw else ()), DATA)

    def pull(self) -> Sequence[str]:
        """The command that brings it home."""
        return (CRYOEM, "pull", DATA)


def new_user(folder: Path, source: Path, sink: Sink) -> User:
    """A user in `folder`, which is new, whose project holds the files of `source`.

    Raises:
        RuntimeError: The project could not be made.
    """
    home, project = folder / "home", folder / "project"
    home.mkdir(parents=True)
    project.mkdir()
    linked(source, project / DATA)
    env = {
        **environment(sink.endpoint),
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CRYOEM_STORE": f"s3://{OUR_BUCKET}",
        "AWS_ENDPOINT_URL": sink.endpoint,
    }
    if sink.certificate:
        env["AWS_CA_BUNDLE"] = sink.certificate
    words = [*sink.way.client, CRYOEM, "connect", "relion"]
    made = subprocess.run(words, cwd=project, env=env, check=False, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"no project could be made: {made.stderr}{made.stdout}")
    return User(project, env)


def linked(source: Path, target: Path) -> None:
    """The same files in another folder: hard links, so that nothing is copied."""
    shutil.copytree(source, target, copy_function=os.link)


@cache
def knows_codec() -> bool:
    """Whether `cryoem push` can be told not to encode."""
    said = subprocess.run([CRYOEM, "push", "--help"], check=True, capture_output=True, text=True)
    return "--codec" in said.stdout
