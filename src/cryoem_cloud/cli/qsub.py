"""cryoem-qsub: hand in a script, as to a cluster's queue."""

import sys
from collections.abc import Sequence
from pathlib import Path

from cryoem_cloud.cli.jobs.policy import HOMES
from cryoem_cloud.cli.jobs.preceding import numbers
from cryoem_cloud.cli.jobs.submitting import submit_script
from cryoem_cloud.cli.saying import INTERRUPTED, QueueParser, complain
from cryoem_cloud.model.errors import CryoemError, UsageError

__all__ = ["main", "parser"]

_PROGRAM = "cryoem-qsub"


def main(arguments: Sequence[str]) -> int:
    """Submit a script, by path or from standard input; print its number as clusters do.

    Nothing but that line is ever printed on success: programs take the number from it.
    """
    try:
        given = parser().parse_args(arguments)
        path = Path(given.script) if given.script else None
        card = submit_script(
            path.read_bytes() if path else _standard_input(),
            path=path,
            inputs=tuple(given.inputs),
            outputs=tuple(given.outputs),
            after=tuple(n for words in given.after for n in numbers(words)),
            home=given.home,
        )
        print(f"Submitted batch job {card.number}", flush=True)
    except (CryoemError, OSError) as error:
        return complain(_PROGRAM, error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _standard_input() -> bytes:
    if sys.stdin is None:  # its descriptor was closed when we were started
        raise UsageError("there is no script", hint=f"{_PROGRAM} SCRIPT, or {_PROGRAM} < SCRIPT")
    script = sys.stdin.buffer.read()
    if not script.strip():
        raise UsageError("the script is empty", hint=f"{_PROGRAM} SCRIPT, or {_PROGRAM} < SCRIPT")
    return script


def parser() -> QueueParser:
    """What may be said to it."""
    made = QueueParser(
        _PROGRAM,
        "Submit a job script. RELION's scripts say themselves what they read and "
        "write; others name it with --in and --out, or in lines `#CRYOEM in=…`, `#CRYOEM out=…`.",
    )
    made.add_argument("script", nargs="?", help="the script; standard input if none is named")
    made.add_argument(
        "--in", dest="inputs", action="append", default=[], metavar="PATH", help="it reads this"
    )
    made.add_argument(
        "--out", dest="outputs", action="append", default=[], metavar="DIR", help="it writes here"
    )
    made.add_argument(
        "--after",
        action="append",
        default=[],
        metavar="ID[,ID]…",
        help="begin when these jobs have succeeded",
    )
    made.add_argument(
        "--home",
        default="",
        metavar="WHAT",
        help=f"what comes home, {' or '.join(HOMES)}; default: as the settings say",
    )
    return made
