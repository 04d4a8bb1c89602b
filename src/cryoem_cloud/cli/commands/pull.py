"""cryoem pull."""

import click

from cryoem_cloud.cli.finding import the_project
from cryoem_cloud.cli.indexed import differs, entries, placeable
from cryoem_cloud.cli.progress import moving
from cryoem_cloud.cli.submitting import inside
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.model.units import human_size
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.space import require_space
from cryoem_cloud.wiring.front import store_at

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--force", is_flag=True, help="Replace files that differ here.")
def command(*, paths: tuple[str, ...], force: bool) -> None:
    """Bring files, and folders with all that is in them, home from the project's store.

    A file that is here as the store has it is left alone. Where one differs nothing is brought
    home, unless --force is given.
    """
    project = the_project()
    named = tuple(inside(project, path) for path in paths)
    known = entries(project).values()
    wanted = [entry for entry in known if any(is_below(entry.path, path) for path in named)]
    files = [entry for entry in wanted if placeable(project, entry)]
    for path in named:
        if not any(is_below(entry.path, path) for entry in files):
            raise NotFoundError(
                f"the store has nothing at {path}", hint="cryoem store ls lists its files"
            )
    changed = sorted(entry.path for entry in files if differs(project, entry))
    if changed and not force:
        others = f", and so do {len(changed) - 1} other files" if len(changed) > 1 else ""
        raise RefusedError(
            f"{changed[0]} differs here from the store's{others}", hint="--force replaces them"
        )
    fresh = [
        (entry, project.folder / entry.path)
        for entry in files
        if differs(project, entry) or not (project.folder / entry.path).exists()
    ]
    size = sum(entry.size for entry, _ in fresh)
    require_space(project.folder, size, purpose="pulling")
    with moving("coming home", size) as moved:
        fetch_files(store_at(project.store), project.name, fresh, moved=moved)
    click.echo(f"{len(fresh)} of {len(files)} files brought home, {human_size(size)}", err=True)
