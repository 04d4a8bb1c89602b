"""cryoem sync."""

import os

import click

from cryoem_cloud.cli.files.accounting import recorded
from cryoem_cloud.cli.files.moving import Moved, Plan, encoding_option, json_option, rate_option
from cryoem_cloud.cli.files.pulling import Pulling
from cryoem_cloud.cli.files.pushing import Pushing
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.storage.archiving import archived_here
from cryoem_cloud.cli.telling import as_json

__all__ = ["command"]


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("--dry-run", is_flag=True, help="Say what would be moved, and what that costs.")
@encoding_option
@rate_option
@json_option
@recorded
def command(
    *, paths: tuple[str, ...], dry_run: bool, encoding: str | None, limit_rate: int, json_: bool
) -> None:
    """Send what is new here, and bring home what is in the store alone.

    Nothing here is replaced or removed, nor anything in the store: of a file that differs, the one
    here is sent, and the store keeps both. What is archived stays in the store.
    """
    pushing, pulling = Pushing(the_project(), places()), Pulling(the_project(), places())
    pushing.look(path for path in paths if os.path.lexists(path))
    pulling.look(paths, missing_ok=os.path.lexists)
    away = pulling.away()
    if dry_run:
        _say((pushing.plan(), pulling.plan(away)), json_=json_)
        return
    sent = pushing.send(codec=encoding or "", rate=limit_rate)
    away, archived = pulling.readable(away)
    pulling.say_price(away)
    _say((sent, pulling.fetch(away, rate=limit_rate)), json_=json_)
    pulling.require_whole()
    if archived:
        error = archived_here(paths, archived, pulling.store, pulling.places)
        click.echo(f"cryoem: what is archived stays there: {error}", err=True)


def _say(both: tuple[Plan, Plan] | tuple[Moved, Moved], *, json_: bool) -> None:
    up, down = both
    if json_:
        click.echo(as_json({"up": up.to_json(), "down": down.to_json()}))
        return
    up.say(json_=False)
    down.say(json_=False)
