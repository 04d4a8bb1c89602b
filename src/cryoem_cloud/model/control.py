"""What a user may want of a job that runs."""

from enum import Enum

__all__ = ["Control"]


class Control(Enum):
    """A wish for a job that runs; wishes are numbered, and each is acted on once."""

    ABORT = "abort"
    """Let the programs end by themselves, through their abort files."""
    STOP = "stop"
    """TERM, then KILL."""
