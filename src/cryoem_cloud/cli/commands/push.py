"""cryoem push."""

import os
import time
from collections.abc import Iterator

import click

from cryoem_cloud.cli.finding import places, the_project
from cryoem_cloud.cli.moving import (
    Moved,
    Plan,
    Tally,
    encoding_option,
    json_option,
    rate_option,
    requests_of,
)
from cryoem_cloud.cli.progress import moving
from cryoem_cloud.cli.submitting import inside
from cryoem_cloud.courier.cache import Cache
from cryoem_cloud.courier.scan import Scan
from cryoem_cloud.courier.upload import Upload, without_doubles
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.projects import make_known
from cryoem_cloud.wiring.front import store_at

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--checksum", is_flag=True, help="Read every file, whatever its size and time say.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and what that costs.")
@encoding_option
@rate_option
@json_option
def command(
    *,
    paths: tuple[str, ...],
    checksum: bool,
    dry_run: bool,
    encoding: str,
    limit_rate: int,
    json_: bool,
) -> None:
    """Send files, and folders with all that is in them, to the project's store.

    What the store holds already is not sent again. Interrupted, it goes on where it was.
    """
    began_s, project = time.monotonic(), the_project()
    store, cache = store_at(project.store), Cache(places().cache / "push.sqlite")
    cache.refresh(IndexLog(store, project.name), project.name)
    scan = Scan(project, cache, all_=checksum)
    fresh = [file for path in paths for file in _fresh(scan, project, path)]
    needs = without_doubles(Need(path=file, asked_by="push") for file in fresh)
    sizes = [(project.folder / need.path).stat().st_size for need in needs]
    if dry_run:
        plan = Plan(
            files=scan.files,
            size=scan.size,
            fresh=len(needs),
            fresh_size=sum(sizes),
            requests=requests_of(sizes),
        )
        plan.say(store.properties, json_=json_)
        return
    tally = Tally()
    if needs:
        make_known(store, project)
        with moving("sending", sum(sizes)) as moved:
            upload = Upload(
                store=store,
                project=project,
                cache=cache,  # not the courier's, which is the courier's alone
                by_reference=False,
                moved=tally.counting(moved),
                encoding=Encoding(encoding),
                distrust=checksum,
            )
            upload.entries("push", needs)
    Moved(
        files=scan.files,
        size=scan.size,
        sent=tally.raw,
        wire=tally.wire,
        seconds=time.monotonic() - began_s,
        left_out=scan.odd,
    ).say("sent", json_=json_)


def _fresh(scan: Scan, project: Project, path: str) -> Iterator[str]:
    """The files at a path that may have to be sent; the project's own folder is never."""
    named = inside(project, path)
    if not os.path.lexists(project.folder / named):
        raise NotFoundError(f"there is no {path}")
    yield from scan.fresh(named)
    if named in scan.odd:
        raise RefusedError(
            f"{path} is {scan.odd[named]}, so it cannot be sent", hint="name files and folders"
        )
