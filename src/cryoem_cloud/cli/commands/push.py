"""cryoem push."""

from collections.abc import Iterator

import click

from cryoem_cloud.apps.files import files_below
from cryoem_cloud.apps.here import Here
from cryoem_cloud.cli.finding import places, the_project
from cryoem_cloud.cli.progress import moving
from cryoem_cloud.cli.submitting import inside
from cryoem_cloud.courier.cache import Cache
from cryoem_cloud.courier.upload import Upload, without_doubles
from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.stores.projects import make_known
from cryoem_cloud.wiring.front import store_at

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
def command(*, paths: tuple[str, ...]) -> None:
    """Send files, and folders with all that is in them, to the project's store.

    What the store holds already is not sent again.
    """
    project = the_project()
    needs = without_doubles(need for path in paths for need in _needs(project, path))
    total = sum((project.folder / need.path).stat().st_size for need in needs)
    store = store_at(project.store)
    make_known(store, project)
    sent: list[int] = []
    with moving("sending", total) as moved:

        def count(size: int) -> None:
            sent.append(size)
            moved(size)

        upload = Upload(
            store=store,
            project=project,
            cache=Cache(places().cache / "push.sqlite"),  # the courier's is the courier's alone
            by_reference=False,
            moved=count,
        )
        entries = upload.entries("push", needs)
    size = human_size(sum(entry.size for entry in entries))
    click.echo(f"{counted(len(entries), 'file')}, {size}; {human_size(sum(sent))} sent", err=True)


def _needs(project: Project, path: str) -> Iterator[Need]:
    named = inside(project, path)
    whole = project.folder / named
    if not whole.exists():
        raise NotFoundError(f"there is no {path}")
    for file in files_below(Here(project.folder), named) if whole.is_dir() else (named,):
        if ".cryoem" not in file.split("/") and (project.folder / file).is_file():
            yield Need(path=file, asked_by="push")
