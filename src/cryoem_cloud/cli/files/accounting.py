"""Commands that move much record what they ask of the store, and how much they bring home."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from cryoem_cloud.cli.standing import places
from cryoem_cloud.wiring.front import submitter
from cryoem_cloud.wiring.recording import recorder

__all__ = ["recorded"]

P = ParamSpec("P")
R = TypeVar("R")


def recorded(command: Callable[P, R]) -> Callable[P, R]:
    """The command, whose requests are in the project's ledger once it has ended, whatever how."""

    @wraps(command)
    def and_recorded(*args: P.args, **named: P.kwargs) -> R:
        with recorder("command", places(), submitter=submitter()):
            return command(*args, **named)

    return and_recorded
