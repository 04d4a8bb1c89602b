"""The figures as a picture: how long each client takes, s5cmd being 1."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks.transfer.figures import OURS, Run, medians

__all__ = ["draw", "relative"]

_COLOURS = {OURS: "#1b6ca8", "s5cmd": "#9aa5b1", "rclone": "#c9b28f", "obstore": "#a8c3a0"}
_BAR = 0.2


def relative(runs: Sequence[Run]) -> Mapping[str, Mapping[str, float]]:
    """Each row's clients' wall times over s5cmd's; rows that s5cmd has no run in are left out."""
    found = medians(runs)
    return {
        row: {
            client: found[row, client]["wall_s"] / found[row, "s5cmd"]["wall_s"]
            for client in _COLOURS
            if (row, client) in found
        }
        for row in dict.fromkeys(run.row for run in runs)
        if (row, "s5cmd") in found
    }


def draw(runs: Sequence[Run], path: Path) -> None:
    """Write it as SVG or PNG, by the name's ending."""
    rows = relative(runs)
    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "transfer"  # the same picture from the same figures
    shown, axes = plt.subplots(figsize=(8, 1 + 0.7 * len(rows)), layout="constrained")
    for at, (client, colour) in enumerate(_COLOURS.items()):
        places = [place + at * _BAR for place, row in enumerate(rows) if client in rows[row]]
        values = [each[client] for each in rows.values() if client in each]
        axes.barh(places, values, _BAR, color=colour, label=client)
        for place, value in zip(places, values, strict=True):
            axes.text(value, place, f" {value:.2f}", va="center", fontsize=6)
    axes.set_yticks([place + 1.5 * _BAR for place in range(len(rows))], list(rows), fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.6)
    axes.set_xlabel("wall time over s5cmd's (shorter is faster)")
    axes.legend(fontsize=7)
    shown.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(shown)
