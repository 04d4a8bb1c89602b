"""cryoem pull."""

import click

from cryoem_cloud.cli.files.accounting import recorded
from cryoem_cloud.cli.files.moving import json_option, rate_option
from cryoem_cloud.cli.files.pulling import Pulling
from cryoem_cloud.cli.files.selecting import sample
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.storage.archiving import archived_here

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
@click.option("--dry-run", is_flag=True, help="Say what would come home, and what that costs.")
@rate_option
@json_option
@recorded
def command(
    *,
    paths: tuple[str, ...],
    force: bool,
    count: int | None,
    dry_run: bool,
    limit_rate: int,
    json_: bool,
) -> None:
    """Bring files, and folders with all that is in them, home from the project's store.

    A PATH may be a pattern, in quotes: 'MotionCorr/job002/Movies/*.mrc'. A file that is here as the
    store has it is left alone. Where one differs nothing is brought home, unless --force is given.
    Interrupted, it goes on with what has not come. What is damaged in the store is named once all
    else has come. Of what is archived and not restored nothing comes; that is said in the end, and
    the exit code is 8.
    """
    pulling = Pulling(the_project(), places())
    pulling.look(paths)
    if count is not None:
        pulling.files = sample(pulling.files, count)
    if not force:
        pulling.require_unchanged()
    fresh = pulling.unlike()
    if dry_run:
        pulling.plan(fresh).say(json_=json_)
        return
    fresh, archived = pulling.readable(fresh)
    pulling.say_price(fresh)
    if fresh or not archived:
        pulling.fetch(fresh, rate=limit_rate).say(json_=json_)
    pulling.require_whole()
    if archived:
        raise archived_here(paths, archived, pulling.store, pulling.places)
