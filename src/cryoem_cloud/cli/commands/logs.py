"""cryoem logs."""

import sys

import click

from cryoem_cloud.cli.afar import MAIN, records_of
from cryoem_cloud.cli.finding import find
from cryoem_cloud.cli.following import Tail, follow
from cryoem_cloud.courier.cards import Card
from cryoem_cloud.model.turn import Deed

__all__ = ["command"]


@click.command()
@click.argument("number", metavar="ID", type=int)
@click.option("-f", "--follow", "follow_", is_flag=True, help="Go on until the job is home.")
@click.option("--err", is_flag=True, help="Its standard error instead of its output.")
def command(*, number: int, follow_: bool, err: bool) -> int:
    """Print what a job has printed."""
    card = find(number)
    which = 1 if err else 0
    if follow_:
        return follow(card, lines=True)
    path = card.folder / card.logs[which]
    if path.exists():
        Tail(path, card.log_starts[which], sys.stdout).more()
    else:
        _from_store(card, ("out", "err")[which])
    return 0


def _from_store(card: Card, log: str) -> None:
    """Print what the last turn's machine has sent, where nothing is at home."""
    records = records_of(card)
    claims = [turn for turn in records.turns(MAIN).read() if turn.deed is Deed.CLAIM]
    if not claims:
        click.echo("nothing has been printed yet", err=True)
        return
    number = 1
    while (page := records.page(claims[-1].holder, number)) is not None:
        number += 1
        if page.turn == claims[-1].number:
            for chunk in page.lines:
                if chunk.log == log:
                    sys.stdout.buffer.write(chunk.data)
    sys.stdout.flush()
