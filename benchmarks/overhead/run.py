"""What going through us costs: a job run directly, its bytes copied by hand, the job through us.

    python benchmarks/overhead/run.py [--rounds 3] [--folder DIR] [MEGABYTES…]

A job reads 20 files and writes as many bytes. The promise: our wall time is at most that of the
direct run, plus `cp -a` of the same bytes there and back (twice, on file systems without reflinks:
project, store, machine and back), plus 2 s. The three are interleaved; medians are compared.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FILES = 20
SLACK_S = 2.0
SCRIPT = 'for file in in/*; do cp "$file" out/; done'
CRYOEM = Path(sys.executable).parent / "cryoem"


@dataclass(frozen=True)
class Bench:
    """Folders of one measurement."""

    root: Path

    @property
    def project(self) -> Path:
        """Where the job belongs."""
        return self.root / "project"

    def prepare(self, megabytes: int) -> None:
        """Make the inputs, of bytes that do not compress."""
        (self.project / "in").mkdir(parents=True)
        for number in range(FILES):
            with (self.project / "in" / f"movie_{number:02d}.mrc").open("wb") as file:
                left = megabytes * 1_000_000 // FILES
                while left:
                    left -= file.write(os.urandom(min(left, 1 << 22)))

    def clean(self) -> None:
        """Take the outputs away."""
        for name in ("project/out", "home", "hand"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        (self.project / "out").mkdir()
        os.sync()

    def direct(self) -> None:
        """Run the job in the project."""
        subprocess.run(["bash", "-c", SCRIPT], cwd=self.project, check=True)

    def by_hand(self) -> None:
        """Copy inputs and outputs as often as they travel: twice each way."""
        hand = self.root / "hand"
        hand.mkdir()
        for source, target in (("in", "a"), ("in", "b"), ("out", "c"), ("out", "d")):
            subprocess.run(["cp", "-a", str(self.project / source), str(hand / target)], check=True)

    def through_us(self) -> None:
        """Run the job with `cryoem run`, from nothing: no project, no courier."""
        home = self.root / "home"
        home.mkdir()
        subprocess.run(
            [CRYOEM, "run", "--in", "in", "--out", "out", "--", "bash", "-c", SCRIPT],
            cwd=self.project,
            env={"PATH": os.environ["PATH"], "HOME": str(home)},
            stderr=subprocess.DEVNULL,
            check=True,
        )


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    started_s = time.monotonic()
    work()
    return time.monotonic() - started_s


def measure(megabytes: int, rounds: int, root: Path) -> dict[str, float]:
    """Medians in seconds, and the ratio of ours to what is allowed."""
    bench = Bench(root)
    bench.prepare(megabytes)
    direct, by_hand, ours = [], [], []
    for _ in range(rounds):
        bench.clean()
        direct.append(seconds(bench.direct))
        by_hand.append(seconds(bench.by_hand))
        bench.clean()
        shutil.rmtree(bench.project / ".cryoem", ignore_errors=True)
        ours.append(seconds(bench.through_us))
    found = {
        "megabytes": megabytes,
        "direct_s": statistics.median(direct),
        "by_hand_s": statistics.median(by_hand),
        "ours_s": statistics.median(ours),
    }
    allowed_s = found["direct_s"] + found["by_hand_s"] + SLACK_S
    return {**found, "allowed_s": allowed_s, "ratio": found["ours_s"] / allowed_s}


def main() -> int:
    """Measure, print a line of JSON for each size; 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=[100, 2000], metavar="MEGABYTES")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    given = parser.parse_args()
    kept = True
    for size in given.sizes:
        with tempfile.TemporaryDirectory(dir=given.folder, ignore_cleanup_errors=True) as root:
            found = measure(size, given.rounds, Path(root))
        print(json.dumps({name: round(value, 3) for name, value in found.items()}), flush=True)
        kept = kept and found["ratio"] <= 1
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
