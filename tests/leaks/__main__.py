"""Nothing leaks: whole jobs at a simulated AWS, whatever goes wrong, and no machine stays.

    python -m tests.leaks --seeds 1-100 --jobs 4 [--folder DIR]

A run is an account that is set up and whose policies are enforced, a user who has joined it, the
real commands and courier, and machines that are real agents: most as processes of this host behind
the simulator's seam, a tenth wholly booted with the product's own user-data (as root). Its seed
says what goes wrong (`plan`): the first ones go through all kinds alone, the others draw some.

Afterwards the job has ended right, with results as an undisturbed run makes them, or failed with a
reason; where the laptop was gone for ever a second user finishes or stops it from another one. No
machine has outlived its fleet's last progress by more than 1 h 20 min of simulated time, or 5 min
where nothing hung; none that worked was ended by our own scaling; and nothing that costs money was
left before `cryoem reap` took the rest away.

A line a run: seed, verdict, what went wrong, how the job ended, how many machines there were, how
long after progress the last one went and the latest any, and what reap had to remove.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from cryoem_cloud.providers.aws.archive import build
from tests.leaks.plan import drawn
from tests.leaks.python import paced_python, paced_wheel
from tests.leaks.run import Verdict, played
from tests.providers.aws_machine.conftest import _PACKAGES
from tests.providers.aws_machine.lab import python_folder, wheels_of

__all__ = ["main"]

_LONGEST_S = 1500


def main(arguments: list[str]) -> int:
    """Make the runs; 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.leaks")
    parser.add_argument("--seeds", default="1-120", help="1-100, or 3,17")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--folder", type=Path, help="where they leave what was wrong")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="leaks-"))
    if given.one is not None:
        return _one(given.one, folder)
    _prepare(folder)
    verdicts = []
    with ThreadPoolExecutor(given.jobs) as pool:
        runs = [pool.submit(_apart, seed, folder) for seed in _seeds(given.seeds)]
        for run in as_completed(runs):
            verdicts.append(run.result())
            _tell(verdicts[-1])
    _sum_up(verdicts)
    return int(any(verdict.wrong for verdict in verdicts))


def _seeds(text: str) -> list[int]:
    """The seeds of `1-3,7`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _prepare(folder: Path) -> None:
    """What all runs share: a Python, and the agent's archive."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "agent.tar.gz").exists():
        return
    python = paced_python(folder / "python")
    wheels = wheels_of((*_PACKAGES, "typing_extensions"), folder / "wheels")
    wheels = (*wheels, paced_wheel(folder / "wheels", python))
    digest = build(python_folder(), wheels, folder / "agent.tar.gz")
    (folder / "digest").write_text(digest)


def _apart(seed: int, folder: Path) -> Verdict:
    """A run in a process of its own, as a process has one simulated AWS."""
    command = [sys.executable, "-m", "tests.leaks", "--one", str(seed), "--folder", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_LONGEST_S)
    lines = done.stdout.strip().splitlines()
    try:
        return Verdict(**json.loads(lines[-1]))
    except (IndexError, ValueError, TypeError):
        return Verdict(seed, str(drawn(seed)), wrong=[f"the run broke: {done.stderr[-3000:]}"])


def _one(seed: int, folder: Path) -> int:
    top = folder / f"seed{seed}"
    shutil.rmtree(top, ignore_errors=True)
    python = str(folder / "python" / "bin" / "python")
    archive = (folder / "agent.tar.gz", (folder / "digest").read_text())
    verdict = played(drawn(seed), top, python, archive)
    shutil.rmtree(top, ignore_errors=True)
    sys.stdout.write(json.dumps(asdict(verdict)) + "\n")
    return 0


def _tell(verdict: Verdict) -> None:
    print(verdict, flush=True)
    for line in verdict.wrong:
        print(f"      {line}", flush=True)
    if verdict.story:
        print(f"----\n{verdict.story}\n----", flush=True)


def _sum_up(verdicts: Iterable[Verdict]) -> None:
    """Counts, for the record."""
    all_ = sorted(verdicts, key=lambda verdict: verdict.seed)
    wrong = [verdict.seed for verdict in all_ if verdict.wrong]
    print(f"{len(all_)} runs, {len(wrong)} wrong: {wrong}")
    print("runs whose templates or groups reap removed:", [v.seed for v in all_ if v.reaped])
    rows: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in all_:
        for fault in drawn(verdict.seed).faults:
            rows[fault.kind.value].append(verdict)
    for kind, found in sorted(rows.items()):
        ends: Counter[str] = Counter()
        for verdict in found:
            ends[verdict.job.partition(":")[0]] += 1
        longest = max(verdict.worst_min for verdict in found)
        print(f"| {kind} | {len(found)} | {dict(ends)} | {longest:.1f} |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
