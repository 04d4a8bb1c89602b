"""Makes jobs from their files."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Command:
    """A command as a job type gives it, and as it is run."""

    cmd: list[str]
    allow_failure: bool = False

    def get_final_command(self, output_dir: str) -> list[str]:
        """With the user's Python, and where RELION's programs are on this computer."""
        first, *others = self.cmd
        if first == "python":
            return [sys.executable, *others]
        if first.startswith("relion_"):
            return [f"/here/bin/{first}", *others, "--pipeline_control", output_dir]
        return list(self.cmd)


@dataclass
class Job:
    """A job, as far as our scripts care."""

    PROCESS_NAME: str
    folder: Path
    output_dir: str = ""
    working_dir: str = ""
    output_nodes: list[str] = field(default_factory=list)

    def get_commands(self) -> list[Command]:
        """What the job runs."""
        said = json.loads((self.folder / "commands.json").read_text())
        return [Command(one["cmd"], one.get("optional", False)) for one in said]

    def create_post_run_output_nodes(self) -> None:
        """Find what the job has made."""
        self.output_nodes = [os.fspath(p) for p in sorted(self.folder.glob("*.mrc"))]


def read_job(filename: str) -> Job:
    """The job in that file."""
    text = Path(filename).read_text()
    kind = next(ln.split()[1] for ln in text.splitlines() if ln.startswith("_rlnJobTypeLabel"))
    return Job(kind, Path(filename).parent)
