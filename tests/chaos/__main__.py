"""Chaos: whole jobs, with whatever goes wrong drawn by a seed, and one truth afterwards.

    python -m tests.chaos --runs 200 --seed 1 [--jobs 3] [--folder DIR]
    python -m tests.chaos --again 17,23          # these seeds

A run is a user with a home and a project of their own, the real courier, the real local provider,
real agents, and one job or a chain of two. Its seed says all of it (`plan`): what the job is (one
task, or pieces that are joined; a cheap application that real programs find as an installed
package, or RELION's motion correction), 1 to 4 machines, the store (a folder; SeaweedFS or
MiniStack behind a proxy), and what happens: SIGKILL or SIGSTOP to an agent, a machine with all that
runs on it, all machines, the courier, or everything, a courier's cache that is thrown away, or a
store that is away, each in a phase of the job (`sight` sees these by the store's keys, `strikes`
strikes); and the share of requests that are answered with 500 or 503, reset, done without an
answer, done later, silent, slow, cut short or torn (`noise`).

Afterwards (`oracles`) what is home is byte for byte what an undisturbed run makes, once, with one
marker; logs are whole and in order; every log of turns is lawful, and no task was completed twice;
the index names each output once; no machine, no part of a file and no disk of a machine is left.

A seed draws the same again; when exactly things happen is the computer's. What was wrong is printed
with the programs' logs, and the run's home stays as `kept` in the run's folder.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.chaos.plan import drawn
from tests.chaos.run import Grounds, Verdict, played

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Make the runs; 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument("--again", default="", help="only these seeds: 17,23")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--folder", type=Path, help="where they leave what was wrong")
    given = parser.parse_args(arguments)
    seeds = [int(word) for word in given.again.split(",") if word]
    seeds = seeds or list(range(given.seed, given.seed + given.runs))
    folder = given.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    with Grounds(folder) as grounds:
        verdicts = list(_made(seeds, grounds, given.jobs))
    _sum_up(verdicts)
    return int(any(verdict.wrong for verdict in verdicts))


def _made(seeds: Iterable[int], grounds: Grounds, jobs: int) -> Iterator[Verdict]:
    """The runs that were made, each told; all, or those before somebody stopped it."""
    pool = ThreadPoolExecutor(jobs)
    runs = [pool.submit(played, drawn(seed), grounds) for seed in seeds]
    try:
        for run in as_completed(runs):
            _tell(run.result())
            yield run.result()
    except KeyboardInterrupt:
        print("stopped; the runs that have begun come to their ends")
    finally:
        pool.shutdown(cancel_futures=True)


def _tell(verdict: Verdict) -> None:
    word = "WRONG" if verdict.wrong else "ok"
    missed = len(verdict.plan.strikes) - len(verdict.hits)
    print(
        f"{verdict.plan.seed:5d} {word:5s} {verdict.seconds:4.0f} s  {verdict.plan}"
        + (f"; missed {missed}" if missed else ""),
        flush=True,
    )
    for line in verdict.wrong:
        print(f"      {line}", flush=True)
    if verdict.story:
        print(f"----\n{verdict.story}\n----", flush=True)


def _sum_up(verdicts: Iterable[Verdict]) -> None:
    """Counts, for the record."""
    all_ = list(verdicts)
    hits = [" ".join(hit.split("#")[0].split("+")[0].split()) for v in all_ for hit in v.hits]
    noise: Counter[str] = Counter()
    for verdict in all_:
        noise.update(verdict.noise)
    wrong = [verdict.plan.seed for verdict in all_ if verdict.wrong]
    print(f"{len(all_)} runs, {len(wrong)} wrong: {wrong}")
    print("kinds:", dict(Counter(verdict.plan.kind.value for verdict in all_)))
    print("stores:", dict(Counter(verdict.plan.store.value for verdict in all_)))
    print("chained:", sum(verdict.plan.chained for verdict in all_))
    print("tasks taken over:", sum(verdict.taken_over for verdict in all_))
    print("hits:", dict(sorted(Counter(hits).items())))
    print("requests:", dict(sorted(noise.items())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
