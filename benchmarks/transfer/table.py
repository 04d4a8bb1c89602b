"""Figures as people read them: tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.transfer.figures import OURS, Figure, Run, medians
from benchmarks.transfer.rivals import PACKAGES, RIVALS, ROOT, Call, words

__all__ = ["calls_list", "clients_table", "targets_table"]

_NONE = 25
"""So many times less than there is are records alone."""


def clients_table(runs: Sequence[Run]) -> str:
    """Row by row, each client's medians.

    The last ratio is that of raw bytes to those that were moved and, for movies, its part of the
    entropy bound.
    """
    found = medians(runs)
    lines = [
        "| what | client | wall, s | ours / theirs | raw MB/s | CPU, s | peak MB | ratio | runs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row, client in dict.fromkeys((run.row, run.client) for run in runs):
        ran = [run for run in runs if (run.row, run.client) == (row, client)]
        well = [run for run in ran if not run.fault]
        if not well:
            lines.append(
                f"| {row} | {client} | failed: {ran[0].fault} | | | | | | 0 of {len(ran)} |"
            )
            continue
        got = found[row, client]
        walls = [run.wall_s for run in well]
        ours = found.get((row, OURS), {}).get("wall_s")
        ratio = f"{ours / got['wall_s']:.2f}" if ours and client != OURS else ""
        lines.append(
            f"| {row} | {client} | {got['wall_s']:.2f} ({min(walls):.2f} to {max(walls):.2f})"
            f" | {ratio} | {ran[0].bytes / got['wall_s'] / 1e6:.0f} | {got['cpu_s']:.2f}"
            f" | {got['rss_mb']:.0f} | {_packed(ran[0], got)} | {len(well)} of {len(ran)} |"
        )
    return "\n".join(lines)


def _packed(run: Run, got: Mapping[str, float]) -> str:
    moved = max(got["received"], got["sent"])
    if got["resent_mb"]:
        return f"{got['resent_mb']:.0f} MB resent"
    if moved < run.bytes / _NONE:
        return "nothing moved"
    near = f" ({run.bytes / moved / run.bound:.0%})".replace("%", " %") if run.bound > 1 else ""
    return f"{run.bytes / moved:.2f}{near}"


def targets_table(figures: Iterable[Figure]) -> str:
    """Each target, what was found, and whether it is kept."""
    lines = ["| what | figure | promised | found | |", "|---|---|---|---|---|"]
    for each in figures:
        said = "not measured" if each.found is None else f"{each.found:g}"
        word = "kept" if each.met else "" if each.found is None else "**missed**"
        lines.append(f"| {each.row} | {each.target.key} | {each.promised} | {said} | {word} |")
    return "\n".join(lines)


def calls_list() -> str:
    """How rivals are called, large files and small ones."""
    lines = [f"Rivals: {', '.join(f'`{each}`' for each in PACKAGES)}.", ""]
    for rival in RIVALS:
        for verb, small in (("up", False), ("down", False), ("sync", True)):
            call = Call(
                verb=verb, folder=Path("DATA"), prefix="PLACE", small=small, endpoint="SERVER"
            )
            program, *rest = words(rival, call)
            told = " ".join((Path(program).name, *rest)).replace(f"{ROOT}/", "")
            lines.append(f"* `{told}`")
    return "\n".join(lines)
