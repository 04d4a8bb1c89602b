"""How long one waits for a command: median and longest of 15 tries, as a table in Markdown.

`python benchmarks/commands/run.py` uses the launchers beside this Python, and a home of its own.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRIES = 15
BIN = Path(sys.prefix) / "bin"
COMMANDS = (
    "cryoem --help",
    "cryoem run --help",
    "cryoem-qsub job.sh",
    "cryoem-qstat",
    "cryoem-qstat 1",
    "cryoem-qdel 1",
    "cryoem ls",
    "cryoem show 1",
    "cryoem why 1",
)
SCRIPT = "#CRYOEM out=results\ntrue\n"


def took(command: str, project: Path, home: Path) -> list[float]:
    """Seconds of each try.

    Raises:
        subprocess.CalledProcessError: The command failed.
    """
    found = []
    for _ in range(TRIES):
        started_s = time.monotonic()
        said(command, project, home)
        found.append(time.monotonic() - started_s)
    return found


def said(command: str, project: Path, home: Path) -> bytes:
    """What a command prints.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    name, *words = command.split()
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [BIN / name, *words], cwd=project, env=env, capture_output=True, check=True
    )
    return done.stdout


def courier_runs(project: Path, home: Path) -> bool:
    """Whether it still does, and writes into its home: it ends 20 s after the last job."""
    status: dict[str, bool] = json.loads(said("cryoem courier status --json", project, home))
    return status["running"]


def main() -> None:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as top:
        home, project = Path(top, "home"), Path(top, "project")
        home.mkdir()
        project.mkdir()
        (project / "job.sh").write_text(SCRIPT)
        print("| command | median | longest |\n|---|---|---|")
        for command in COMMANDS:
            seconds = took(command, project, home)
            print(f"| `{command}` | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s |")
        while courier_runs(project, home):
            time.sleep(1)


main()
