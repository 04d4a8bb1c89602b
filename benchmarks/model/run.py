"""How good the performance model is: `python benchmarks/model/run.py [--jobs]`.

Prints a table, and with --jobs each job's median; docs/evidence/model.md has its words. Takes some
seconds and no network.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from math import exp, log
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.model.check import Timing, errors_of, fitted, left_out, timings
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.planner.performance import published, run_s


def main() -> None:
    """Print the check."""
    known, rates = timings(), published()
    packaged = [(one, run_s(one.work, one.machine, rates)) for one in known]
    checks = {
        "one timing left out": left_out(known, rates, lambda one, other: one is other),
        "one job left out": left_out(known, rates, lambda one, other: one.job == other.job),
        "the package's figures": [(one, found.p50) for one, found in packaged],
    }
    print("| check | on | timings | median error | nine of ten within | said / measured |")
    print("|---|---|---|---|---|---|")
    for name, told in checks.items():
        for on, part in (("GPUs", True), ("processors", False), ("all", None)):
            some = [(o, s) for o, s in told if part is None or bool(o.machine.gpus) == part]
            found = errors_of(some)
            print(
                f"| {name} | {on} | {found.number} | {found.median:.0%} | "
                f"a factor of {found.nine_of_ten:.2f} | {found.bias:.2f} |"
            )
    within = sum(found.p10 <= one.seconds <= found.p90 for one, found in packaged)
    print(f"\n{within} of {len(known)} timings are between the package's P10 and P90.")
    for line in _jobs(known, packaged) if "--jobs" in sys.argv else ():
        print(line)
    best = fitted(known, rates)
    units = {
        f"{program.value}, {rate.on}": rate.seconds.p50
        for program, each in best.programs.items()
        for rate in each
    }
    print(json.dumps({"v": 1, "gpus": {k: v.p50 for k, v in best.gpus.items()}, "units": units}))


def _jobs(known: Sequence[Timing], packaged: Sequence[tuple[Timing, Spread]]) -> Iterator[str]:
    """Of each job on each kind of machine, what the package says over what was measured."""
    for job, on in sorted({(one.job, _where(one)) for one in known}):
        told = [(o, s) for o, s in packaged if (o.job, _where(o)) == (job, on)]
        off = exp(fmean(log(said.p50 / one.seconds) for one, said in told))
        yield f"{job:32} {on:10} {len(told):3} {off:6.2f}"


def _where(one: Timing) -> str:
    return one.machine.gpu or ("vectors" if one.work.on_vectors else "cores")


if __name__ == "__main__":
    main()
