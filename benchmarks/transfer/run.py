"""How fast we move data: `cryoem push` and `pull` beside s5cmd, rclone and obstore, in one run.

    python -m benchmarks.transfer.run CASE… [--rounds 5] [--scale 1] [--folder DIR]

Clients move the same files to and from a null sink (`sink.py`), which costs next to nothing, on
loopback or over a long line that the benchmark makes (`links.py`; needs root). They take turns,
each begins a round as often as the others, and medians are compared. Rivals are installed below
build/transfer; their flags, their best, are in `rivals.py`; what is promised is in `cases.py`.

Each case's runs are kept as build/transfer/CASE.json; from all that are there a page of tables and
a picture are made (build/transfer/page.md, page.svg; with --publish, the documentation's). The last
line printed is one JSON object with the figures that were asked for. A target that is missed is
printed, and no failure.

Data lie in memory (/dev/shm) where there is such a place, as the disk is nobody's merit: 4 GB for
uploads, 13 GB for downloads.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.transfer.bench import Bench
from benchmarks.transfer.cases import CASES
from benchmarks.transfer.figures import Figure, Run, figure, medians
from benchmarks.transfer.links import reason_without
from benchmarks.transfer.plot import draw
from benchmarks.transfer.rivals import installed
from benchmarks.transfer.sinks import ROOT
from benchmarks.transfer.table import calls_list, clients_table, targets_table

BUILD = ROOT / "build" / "transfer"
PICTURE = ROOT / "docs" / "images" / "moving-data.svg"
MEMORY = Path("/dev/shm")  # noqa: S108  (a folder of its own is made there)


def figures_of(case: str, runs: Sequence[Run]) -> list[Figure]:
    """Each target of a case."""
    found = medians(runs)
    return [figure(found, row.name, target) for row in CASES[case] for target in row.targets]


def kept(case: str) -> list[Run]:
    """The case's runs as they were kept; none if it has not been run."""
    file = BUILD / f"{case}.json"
    if not file.exists():
        return []
    return [Run.from_json(each) for each in json.loads(file.read_text(encoding="utf-8"))["runs"]]


def computer() -> dict[str, object]:
    """What it was measured on."""
    tcp = Path("/proc/sys/net/ipv4/tcp_congestion_control")
    return {
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "tcp": tcp.read_text(encoding="utf-8").strip() if tcp.exists() else "",
    }


def measured(bench: Bench, case: str) -> list[Run]:
    """Run a case and keep it."""
    runs = []
    for row in CASES[case]:
        if row.link.megabit and (reason := reason_without()):
            print(f"{row.name}: not measured: {reason}", file=sys.stderr)
            continue
        for run in bench.measure(row):
            said = run.fault or f"{run.wall_s:.2f} s, {run.cpu_s:.2f} s CPU, {run.rss_mb:.0f} MB"
            print(f"{run.row}: {run.client}: {said}", file=sys.stderr, flush=True)
            runs.append(run)
    kept_runs = [run.to_json() for run in runs]
    fields = {"v": 1, "scale": bench.scale, "computer": computer(), "runs": kept_runs}
    (BUILD / f"{case}.json").write_text(json.dumps(fields, indent=1), encoding="utf-8")
    return runs


def page() -> None:
    """Tables and a picture of all cases that have been run."""
    parts = [f"{calls_list()}\n\n"]
    runs = list[Run]()
    for case in CASES:
        if case != "short" and (ran := kept(case)):
            runs += ran
            parts.append(f"## {case}\n\n{clients_table(ran)}\n\n")
            parts.append(f"{targets_table(figures_of(case, ran))}\n\n")
    (BUILD / "page.md").write_text("".join(parts), encoding="utf-8")
    if runs:
        draw(runs, BUILD / "page.svg")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="+", choices=list(CASES), metavar="CASE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the data; 1 as published")
    parser.add_argument("--folder", type=Path, default=MEMORY if MEMORY.is_dir() else None)
    parser.add_argument("--publish", action="store_true", help="the picture into the docs")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was made is removed
    installed()
    said: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory(prefix="transfer-", dir=given.folder) as name:
        bench = Bench(Path(name), given.scale, given.rounds)
        for case in given.cases:
            runs = measured(bench, case)
            figures = figures_of(case, runs)
            print(f"\n{clients_table(runs)}\n\n{targets_table(figures)}\n")
            said |= {each.target.key: each.found for each in figures}
    page()
    if given.publish:
        shutil.copy(BUILD / "page.svg", PICTURE)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
