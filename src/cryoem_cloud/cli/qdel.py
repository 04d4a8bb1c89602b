"""cryoem-qdel: see to it that jobs end, as a cluster's queue does."""

from collections.abc import Sequence

from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.stopping import ask_to_stop
from cryoem_cloud.cli.saying import INTERRUPTED, QueueParser, complain
from cryoem_cloud.model.errors import CryoemError, NotFoundError

__all__ = ["main", "parser"]

_PROGRAM = "cryoem-qdel"


def main(arguments: Sequence[str]) -> int:
    """Ask for each job's end, in whatever phase; one that has ended or never was is no error."""
    try:
        numbers = parser().parse_args(arguments).numbers
        return max(_end(number) for number in numbers)
    except CryoemError as error:
        return complain(_PROGRAM, error)
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> QueueParser:
    """What may be said to it."""
    made = QueueParser(_PROGRAM, "End jobs, in whatever phase they are.")
    made.add_argument("numbers", nargs="+", metavar="ID", type=int, help="the jobs' numbers")
    return made


def _end(number: int) -> int:
    try:
        ask_to_stop(find(number))
    except NotFoundError as error:
        complain(_PROGRAM, error)
    except (CryoemError, OSError) as error:
        return complain(_PROGRAM, error)
    return 0
