"""cryoem-qsub: hand in a script, as to a cluster's queue."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cryoem_cloud.cli.submitting import submit_script
from cryoem_cloud.model.errors import CryoemError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Submit a script, by path or from standard input; print its number as clusters do.

    Nothing but that line is ever printed on success: programs take the number from it.
    """
    given = _parser().parse_args(arguments)
    path = Path(given.script) if given.script else None
    try:
        script = path.read_bytes() if path else sys.stdin.buffer.read()
        card = submit_script(
            script, path=path, inputs=tuple(given.inputs), outputs=tuple(given.outputs)
        )
    except OSError as error:
        print(f"cryoem-qsub: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except CryoemError as error:
        print(f"cryoem-qsub: {error}", file=sys.stderr)
        return error.exit_code
    print(f"Submitted batch job {card.number}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cryoem-qsub",
        description="Submit a job script. RELION's scripts say themselves what they read and "
        "write; others name it with --in and --out, or in lines `#CRYOEM in=…`, `#CRYOEM out=…`.",
    )
    parser.add_argument("script", nargs="?", help="the script; standard input if none is named")
    parser.add_argument("--in", dest="inputs", action="append", default=[], metavar="PATH")
    parser.add_argument("--out", dest="outputs", action="append", default=[], metavar="DIR")
    return parser
