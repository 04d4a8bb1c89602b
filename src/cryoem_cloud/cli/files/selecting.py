"""Which of the store's files a user means: by name, by folder, by pattern, or a sample of these."""

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.links import Links
from cryoem_cloud.apps.patterns import fitting, is_pattern
from cryoem_cloud.cli.jobs.companions import companion_ending
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.paths import OUTSIDE, is_below
from cryoem_cloud.model.project import Project

__all__ = ["real_name", "sample", "wanted"]


def real_name(project: Project, named: str) -> str:
    """What was named, with the links followed that lead there, such as a job's alias.

    Of a pattern that is the part before its first sign. What lies outside the project keeps its
    name in it.
    """
    segments = named.split("/")
    plain = list(takewhile(lambda segment: not is_pattern(segment), segments))
    lead = "/".join(plain)
    real = Links(Here(project.folder)).real(lead) if plain else ""
    lead = lead if real.startswith(OUTSIDE) else real
    return "/".join(filter(None, (lead, *segments[len(plain) :]))) or "."


def wanted(named: str) -> Callable[[str], bool]:
    """Whether a path is what was named, fits it, or lies below what is or does."""
    if not is_pattern(named):
        return lambda path: is_below(path, named)
    fits = fitting(named)
    return lambda path: fits(path) or is_below(path, named)


def sample(entries: Iterable[Entry], count: int) -> Sequence[Entry]:
    """So many of the entries, spread evenly over them in order of their paths; always the same.

    Entries that go with another are left out: spectra, where micrographs were meant.
    """
    by_path = {entry.path: entry for entry in entries}
    ordered = [by_path[path] for path in sorted(by_path) if not companion_ending(path, by_path)]
    if count >= len(ordered):
        return ordered
    return [ordered[(2 * n + 1) * len(ordered) // (2 * count)] for n in range(count)]
