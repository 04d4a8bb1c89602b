"""cryoem pull."""

from collections.abc import Sequence

import click

from cryoem_cloud.cli.finding import cards, the_project
from cryoem_cloud.cli.indexed import differs, entries, placeable
from cryoem_cloud.cli.progress import moving
from cryoem_cloud.cli.selecting import real_name, sample, wanted
from cryoem_cloud.cli.submitting import inside
from cryoem_cloud.cli.whereabouts import egress_usd, price_told
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.wiring.front import store_at

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--force", is_flag=True, help="Replace files that differ here.")
@click.option(
    "--sample",
    "count",
    type=click.IntRange(min=1),
    help="So many files, spread evenly over all that are named but for those that go with another.",
)
def command(*, paths: tuple[str, ...], force: bool, count: int | None) -> None:
    """Bring files, and folders with all that is in them, home from the project's store.

    A PATH may be a pattern, in quotes: 'MotionCorr/job002/Movies/*.mrc'. A file that is here as the
    store has it is left alone. Where one differs nothing is brought home, unless --force is given.
    """
    project = the_project()
    files = _named(project, paths)
    if count is not None:
        files = sample(files, count)
    if not force:
        _require_unchanged(project, files)
    fresh = [
        (entry, project.folder / entry.path)
        for entry in files
        if differs(project, entry) or not (project.folder / entry.path).exists()
    ]
    size = sum(entry.size for entry, _ in fresh)
    require_space(project.folder, size, purpose="pulling")
    store = store_at(project.store)
    price = egress_usd(size, store.properties.egress_usd_per_gb)
    if price:
        click.echo(
            f"{counted(len(fresh), 'file')}, {human_size(size)}: {price_told(price)}", err=True
        )
    with moving("coming home", size) as moved:
        fetch_files(store, project.name, fresh, moved=moved)
    click.echo(
        f"{len(fresh)} of {counted(len(files), 'file')} brought home, {human_size(size)}", err=True
    )


def _require_unchanged(project: Project, files: Sequence[Entry]) -> None:
    changed = sorted(entry.path for entry in files if differs(project, entry))
    if changed:
        more = counted(len(changed) - 1, "other file does", "other files do")
        others = f", and {more}" if len(changed) > 1 else ""
        raise RefusedError(
            f"{changed[0]} differs here from the store's{others}", hint="--force replaces them"
        )


def _named(project: Project, paths: Sequence[str]) -> Sequence[Entry]:
    """The files of the project's that were named, as the store has them.

    Raises:
        NotFoundError: Nothing is there, or fits.
    """
    known = entries(project).values()
    ours = (card for card in cards().all() if card.project == project.name)
    outputs = tuple(folder for card in ours for folder in card.outputs)
    found: dict[str, Entry] = {}
    for path in paths:
        named = wanted(real_name(project, inside(project, path)))
        asked = (entry for entry in known if named(entry.path))
        files = [entry for entry in asked if placeable(project, entry, outputs)]
        if not files:
            raise NotFoundError(
                f"the store has nothing at {path}", hint="cryoem store ls lists its files"
            )
        found.update((entry.path, entry) for entry in files)
    return tuple(found.values())
