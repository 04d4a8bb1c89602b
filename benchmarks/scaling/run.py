"""How close many machines come to their number: tasks that sleep, on local machines.

    python -m benchmarks.scaling.run [--machines 16] [--tasks 320] [--nap 5] [--rounds 1]

Each piece of one job has one item: it sleeps, reads a file and writes three. In turns, each in a
project of its own on a folder store: some items on one machine, and all of them on many. Efficiency
is what the naps alone would take, dealt out evenly, over what the job took: from the first claim
until the task that joins is claimed, and from the command until the last file is home.

The promise: at least 0.9 from the first claim, with 16 machines and naps of 5 s.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.model.task import MAIN
from tests.chaos.application import LIST, OUT
from tests.chaos.python import python_with_application

PROMISE = 0.9
HAND_IN = Path(__file__).parents[2] / "tests" / "chaos" / "hand_in.py"
FILE_BYTES = 100_000
SCRIPT = f"""\
mkdir -p {OUT}/deep
while read -r item; do
  if [ "$ONLY_UNFINISHED" ] && [ -e {OUT}/deep/$item.made ]; then continue; fi
  sleep %g
  cp raw/$item {OUT}/deep/$item.large
  echo "sum of $item" > {OUT}/deep/$item.sum
  echo "made of $item" > {OUT}/deep/$item.made
done < {LIST}
ls {OUT}/deep > {OUT}/joined
"""


@dataclass(frozen=True)
class Bench:
    """A Python that knows the application, and how long a task sleeps."""

    top: Path
    python: str
    nap_s: float

    def run(self, name: str, *, machines: int, tasks: int) -> dict[str, float]:
        """One job from the command until it is home: its efficiencies."""
        project, env = self._prepared(name, tasks)
        begun_s = time.monotonic()
        words = json.dumps(
            {
                "application": "itemwise",
                "script": SCRIPT % self.nap_s,
                "script_path": f"{OUT}/run_submit.script",
                "inputs": [],
                "output": OUT,
                "after": [],
                "count": machines,
                "pieces": tasks,
            }
        )
        number = self._said(project, env, str(HAND_IN), words).strip()
        self._said(project, env, "-I", "-m", "cryoem_cloud.cli", "cryoem", "wait", number)
        wall_s = time.monotonic() - begun_s
        ideal_s = self.nap_s * -(-tasks // machines)
        working_s = _working_s(project.parent / "store")
        return {
            "working_s": round(working_s, 1),
            "efficiency": round(ideal_s / working_s, 3),
            "efficiency_from_command_to_home": round(ideal_s / wall_s, 3),
        }

    def _prepared(self, name: str, tasks: int) -> tuple[Path, dict[str, str]]:
        project, home = self.top / name / "project", self.top / name / "home"
        items = [f"i{at:04d}" for at in range(tasks)]
        (project / "raw").mkdir(parents=True)
        home.mkdir()
        for item in items:
            (project / "raw" / item).write_bytes(os.urandom(FILE_BYTES))
        (project / LIST).write_text("".join(f"{item}\n" for item in items))
        (project / OUT).mkdir(parents=True)
        (project / OUT / "run_submit.script").write_text(SCRIPT % self.nap_s)
        store = (project.parent / "store").as_uri()
        return project, {"PATH": os.environ["PATH"], "HOME": str(home), "CRYOEM_STORE": store}

    def _said(self, project: Path, env: dict[str, str], *words: str) -> str:
        done = subprocess.run(
            [self.python, *words], cwd=project, env=env, check=False, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}{done.stdout}")
        return done.stdout


def _working_s(store: Path) -> float:
    """From the first claim until the joining task's, by when the folder store wrote them."""
    turns = [path for path in store.rglob("turns/*/*") if path.is_file()]
    written_s = {path: path.stat().st_mtime for path in turns}
    joining_s = min(at for path, at in written_s.items() if path.parent.name == MAIN)
    return joining_s - min(written_s.values())


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--machines", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=320)
    parser.add_argument("--nap", type=float, default=5.0, help="in s")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="scaling-") as name:
        top = Path(name)
        bench = Bench(top, python_with_application(top / "python"), given.nap)
        each = -(-given.tasks // given.machines)
        for at in range(given.rounds):
            one = bench.run(f"one-{at}", machines=1, tasks=each)
            many = bench.run(f"many-{at}", machines=given.machines, tasks=given.tasks)
            said = {"machines": given.machines, "tasks": given.tasks, "nap_s": given.nap}
            print(json.dumps({**said, "one": one, "many": many, "promise": PROMISE}))
            shutil.rmtree(top / f"one-{at}")
            shutil.rmtree(top / f"many-{at}")


if __name__ == "__main__":
    main()
