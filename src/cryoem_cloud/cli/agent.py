"""The agent of a local machine; started by the local provider, not by people."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cryoem_cloud.wiring import machine

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Work on one job until nothing is left to do. The user's environment comes on stdin."""
    parser = argparse.ArgumentParser(prog="agent")
    parser.add_argument("--store", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--job", type=int, required=True)
    parser.add_argument("--machine", type=Path, required=True)
    parser.add_argument("--lock", type=int, required=True)
    given = parser.parse_args(arguments)
    machine.run_agent(
        store=given.store,
        project=given.project,
        job=given.job,
        machine=given.machine,
        told=sys.stdin.buffer.read(),
    )
    return 0
