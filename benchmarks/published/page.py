"""The page about the published comparison, and its pictures, from the data in the package.

    python -m benchmarks.published.page [--folder DIR]

Writes docs/explanation/published-comparison.md and docs/images/published-*.svg. A test holds the
page against the data.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cryoem_cloud.cli.money.published import conclusions, step_rows
from cryoem_cloud.planner.published import Pipeline, ReplayedStep, pipeline, replayed

__all__ = ["draw_hours", "draw_usd", "page_of"]

DOCS = Path(__file__).parents[2] / "docs"
_HEAD = """# The published comparison

In 2018 the original of this program was presented with a comparison: one data set, {title},
from movies to maps, on machines of Amazon's and on a workstation. Its figures are in this program
as data, and this page, its pictures and `cryoem plan --pipeline {name} --as-published` are made
from them. The rules are the original's: hours are fractional and never rounded up; each step's
machines are paid while data moves and while they run, but the movie alignment's, which were not
there during the upload; prices are us-west-2's of {prices_of}.

## Step by step
"""
_PICTURES = """
![Hours of each step, on rented machines and on the workstation](../images/published-hours.svg)

![What each step's machines cost](../images/published-usd.svg)

## The sums
"""
_TAIL = """
What does not follow from the published columns is said above, and kept out of all else here. The
summary's $688.17 is 2 cents more than its rows. A step without a figure on the workstation is left
out there.

What the same pipeline would take with this program, on today's machines, is
[another page](../evidence/pipeline-today.md).
"""


def page_of(found: Pipeline) -> str:
    """The page, as Markdown."""
    facts = {"title": found.title, "name": found.name, "prices_of": found.prices_of}
    head, *rows = step_rows(found)
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    sums = "".join(f"* {each}\n" for each in conclusions(found))
    table = "\n".join(lines)
    return f"{_HEAD.format(**facts)}\n{table}\n{_PICTURES}\n{sums}{_TAIL}"


def draw_hours(steps: Sequence[ReplayedStep], path: Path) -> None:
    """Moving and running side by side with the workstation's hours, as SVG or PNG."""
    shown, axes = _axes(len(steps))
    names = [each.step.name for each in steps]
    places = range(len(steps))
    moving = [float(each.step.moving_h) for each in steps]
    running = [float(each.step.running_h) for each in steps]
    there = [float(each.step.workstation_h or 0) for each in steps]
    low, high = [at + 0.2 for at in places], [at - 0.2 for at in places]
    axes.barh(high, moving, 0.4, color="#c9b28f", label="rented machines: moving data")
    axes.barh(high, running, 0.4, left=moving, color="#1b6ca8", label="rented machines: running")
    axes.barh(low, there, 0.4, color="#9aa5b1", label="workstation")
    axes.set_yticks(list(places), names, fontsize=8)
    axes.set_xlabel("hours")
    axes.legend(fontsize=7)
    _save(shown, path)


def draw_usd(steps: Sequence[ReplayedStep], path: Path) -> None:
    """What was paid for waiting and for running, as SVG or PNG."""
    shown, axes = _axes(len(steps))
    waiting = [float(each.waiting_usd) for each in steps]
    running = [float(each.usd - each.waiting_usd) for each in steps]
    places = list(range(len(steps)))
    axes.barh(places, waiting, 0.6, color="#c9b28f", label="while data moved")
    axes.barh(places, running, 0.6, left=waiting, color="#1b6ca8", label="while jobs ran")
    axes.set_yticks(places, [each.step.name for each in steps], fontsize=8)
    axes.set_xlabel("US dollars")
    axes.legend(fontsize=7)
    _save(shown, path)


def _axes(rows: int) -> tuple[Figure, Axes]:
    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "published"  # the same picture from the same figures
    shown, axes = plt.subplots(figsize=(8, 1 + 0.35 * rows), layout="constrained")
    axes.invert_yaxis()
    return shown, axes


def _save(shown: Figure, path: Path) -> None:
    shown.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(shown)


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=DOCS, help="default: the documentation")
    folder = parser.parse_args().folder
    found = pipeline("10061")
    steps = replayed(found).steps
    for part in ("explanation", "images"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    page = folder / "explanation" / "published-comparison.md"
    page.write_text(page_of(found), encoding="utf-8")
    draw_hours(steps, folder / "images" / "published-hours.svg")
    draw_usd(steps, folder / "images" / "published-usd.svg")


if __name__ == "__main__":
    main()
