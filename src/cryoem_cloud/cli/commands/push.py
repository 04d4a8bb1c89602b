"""cryoem push."""

import click

from cryoem_cloud.cli.files.accounting import recorded
from cryoem_cloud.cli.files.moving import encoding_option, json_option, rate_option
from cryoem_cloud.cli.files.pushing import Pushing
from cryoem_cloud.cli.standing import places, the_project

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--checksum", is_flag=True, help="Read every file, whatever its size and time say.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and what that costs.")
@encoding_option
@rate_option
@json_option
@recorded
def command(
    *,
    paths: tuple[str, ...],
    checksum: bool,
    dry_run: bool,
    encoding: str | None,
    limit_rate: int,
    json_: bool,
) -> None:
    """Send files, and folders with all that is in them, to the project's store.

    What the store holds already is not sent again. Interrupted, it goes on where it was.
    """
    pushing = Pushing(the_project(), places(), checksum=checksum)
    pushing.look(paths)
    if dry_run:
        pushing.plan().say(json_=json_)
    else:
        pushing.send(codec=encoding or "", rate=limit_rate).say(json_=json_)
