"""cryoem-qstat: how jobs stand, as a cluster's queue says it."""

import argparse
import sys
from collections.abc import Sequence

from cryoem_cloud.cli.finding import find, places
from cryoem_cloud.cli.showing import table, word_of
from cryoem_cloud.courier.cards import Card, Cards
from cryoem_cloud.courier.start import wake
from cryoem_cloud.model.errors import CryoemError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Print a row a job: number, name, state word; without numbers, of all that are not home.

    A job that is not home always has a row, also while its store is away: the word is RUNNING until
    every result is home. An unknown number is a line on stderr, exit 1, and no row.
    """
    parser = argparse.ArgumentParser(prog="cryoem-qstat", description="How jobs stand.")
    parser.add_argument("numbers", nargs="*", metavar="ID", type=int)
    given = parser.parse_args(arguments)
    wake(places())
    cards: list[Card] = []
    code = 0
    for number in given.numbers:
        try:
            cards.append(find(number))
        except CryoemError as error:
            print(f"cryoem-qstat: {error}", file=sys.stderr)
            code = 1
    if not given.numbers:
        cards = [card for card in Cards(places().state / "jobs").all() if card.open]
    if cards:
        rows = [(str(card.number), card.name, word_of(card)) for card in cards]
        print(table(("JOBID", "NAME", "STATE"), rows))
    return code
