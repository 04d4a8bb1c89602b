"""cryoem-qdel: see to it that jobs end, as a cluster's queue does."""

import argparse
import sys
from collections.abc import Sequence

from cryoem_cloud.cli.finding import find
from cryoem_cloud.cli.stopping import ask_to_stop
from cryoem_cloud.model.errors import CryoemError, NotFoundError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Ask for each job's end, in whatever phase; one that has ended or never was is no error."""
    parser = argparse.ArgumentParser(prog="cryoem-qdel", description="End jobs.")
    parser.add_argument("numbers", nargs="+", metavar="ID", type=int)
    code = 0
    for number in parser.parse_args(arguments).numbers:
        try:
            ask_to_stop(find(number))
        except NotFoundError as error:
            print(f"cryoem-qdel: {error}", file=sys.stderr)
        except CryoemError as error:
            print(f"cryoem-qdel: {error}", file=sys.stderr)
            code = error.exit_code
    return code
