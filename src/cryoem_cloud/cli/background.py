"""The courier in the background; started by commands that need it, or by the system's units."""

import argparse
from collections.abc import Sequence

from cryoem_cloud.settings import Places, environment
from cryoem_cloud.wiring.background import run_courier

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Be this computer's courier; one that finds another ends at once."""
    parser = argparse.ArgumentParser(prog="courier")
    parser.add_argument("--stay", action="store_true", help="stay when there is nothing to do")
    given = parser.parse_args(arguments)
    run_courier(Places.read(environment()), stay=given.stay)
    return 0
