"""cryoem-qstat: how jobs stand, as a cluster's queue says it."""

from collections.abc import Sequence

from cryoem_cloud.cli.jobs.finding import cards, find
from cryoem_cloud.cli.saying import INTERRUPTED, QueueParser, complain
from cryoem_cloud.cli.showing import table, word_of
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import wake
from cryoem_cloud.model.errors import CryoemError, StoreError

__all__ = ["main", "parser"]

_PROGRAM = "cryoem-qstat"


def main(arguments: Sequence[str]) -> int:
    """Print a row a job: number, name, state word; without numbers, of all that are not home.

    A job that is not home always has a row, also while its store is away: the word is RUNNING until
    every result is home. An unknown number is a line on stderr, exit 1, and no row.
    """
    try:
        numbers = parser().parse_args(arguments).numbers
        wake(places())
        rows, code = _rows(numbers) if numbers else (_open_rows(), 0)
        if rows:
            print(table(("JOBID", "NAME", "STATE"), rows), flush=True)
    except (CryoemError, OSError) as error:
        return complain(_PROGRAM, error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def parser() -> QueueParser:
    """What may be said to it."""
    made = QueueParser(
        _PROGRAM,
        "Print a row a job: number, name, state (RUNNING until all results are home, then "
        "COMPLETED, FAILED or CANCELLED; UNKNOWN while only a store that is away would know).",
    )
    made.add_argument(
        "numbers", nargs="*", metavar="ID", type=int, help="default: all that are not home"
    )
    return made


def _open_rows() -> list[tuple[str, str, str]]:
    return [_row(card) for card in cards().all() if card.open]


def _rows(numbers: Sequence[int]) -> tuple[list[tuple[str, str, str]], int]:
    rows, code = [], 0
    for number in numbers:
        try:
            rows.append(_row(find(number)))
        except StoreError as error:
            # Callers take "no row" for "has ended": a store that is away must not look like that.
            complain(_PROGRAM, error)
            rows.append((str(number), "-", "UNKNOWN"))
        except CryoemError as error:
            complain(_PROGRAM, error)
            code = 1
    return rows, code


def _row(card: Card) -> tuple[str, str, str]:
    """Three words: callers split rows at blanks."""
    return str(card.number), "_".join(card.name.split()) or "-", word_of(card)
