"""cryoem-qsub: hand in a script, as to a cluster's queue."""

import sys
from collections.abc import Sequence
from pathlib import Path

from cryoem_cloud.cli.submitting import submit_script
from cryoem_cloud.model.errors import CryoemError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Submit a script, by path or from standard input; print its number as clusters do."""
    try:
        script = Path(arguments[0]).read_bytes() if arguments else sys.stdin.buffer.read()
        card = submit_script(script, path=Path(arguments[0]) if arguments else None)
    except OSError as error:
        print(f"cryoem-qsub: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except CryoemError as error:
        print(f"cryoem-qsub: {error}", file=sys.stderr)
        return error.exit_code
    print(f"Submitted batch job {card.number}")
    return 0
