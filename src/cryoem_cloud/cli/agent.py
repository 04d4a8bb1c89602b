"""The agent of a machine; started by a provider or by a machine's boot script, not by people."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cryoem_cloud.model.errors import CryoemError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Work on one job until nothing is left to do. The user's environment comes on stdin."""
    parser = argparse.ArgumentParser(prog="agent")
    parser.add_argument("--store", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--job", type=int, required=True)
    parser.add_argument("--machine", type=Path, required=True)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--lock", type=int)
    kind.add_argument("--aws", action="store_true")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--group")
    parser.add_argument("--limit", type=float)
    parser.add_argument("--until", type=float)
    given = parser.parse_args(arguments)
    if given.aws:
        return _on_aws(given)
    from cryoem_cloud.wiring import machine  # noqa: PLC0415  (one of the two, and quickly)

    machine.run_agent(
        store=given.store,
        project=given.project,
        job=given.job,
        machine=given.machine,
        told=sys.stdin.buffer.read(),
    )
    return 0


def _on_aws(given: argparse.Namespace) -> int:
    """On a machine of EC2's; the last line of a failure is what its owner will read."""
    from cryoem_cloud.wiring import aws_machine  # noqa: PLC0415

    told = aws_machine.Told(
        store=given.store,
        project=given.project,
        job=given.job,
        machine=given.machine,
        scratch=given.scratch,
        group=given.group,
        limit_s=given.limit,
        until_s=given.until,
        environment=sys.stdin.buffer.read(),
    )
    try:
        aws_machine.run_aws_agent(told)
    except CryoemError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0
