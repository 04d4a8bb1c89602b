"""cryoem push."""

from collections.abc import Iterator
from pathlib import Path

import click

from cryoem_cloud.cli.finding import places, the_project
from cryoem_cloud.cli.submitting import inside
from cryoem_cloud.courier.cache import Cache
from cryoem_cloud.courier.upload import Upload, without_doubles
from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import human_size
from cryoem_cloud.wiring.front import store_at

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
def command(*, paths: tuple[str, ...]) -> None:
    """Send files, and folders with all that is in them, to the project's store.

    What the store holds already is not sent again.
    """
    project = the_project()
    moved: list[int] = []
    upload = Upload(
        store=store_at(project.store),
        project=project,
        cache=Cache(places().cache / "courier.sqlite"),
        by_reference=False,
        moved=moved.append,
    )
    needs = without_doubles(need for path in paths for need in _needs(project, path))
    entries = upload.entries("push", needs)
    size = human_size(sum(entry.size for entry in entries))
    click.echo(f"{len(entries)} files, {size}; {human_size(sum(moved))} sent", err=True)


def _needs(project: Project, path: str) -> Iterator[Need]:
    named = inside(project, path)
    whole = project.folder / named
    if not whole.exists():
        raise NotFoundError(f"there is no {path}")
    files = [whole] if whole.is_file() else sorted(whole.rglob("*"))
    for file in files:
        if file.is_file() and ".cryoem" not in file.relative_to(project.folder).parts:
            yield Need(path=str(Path(file).relative_to(project.folder)), asked_by="push")
