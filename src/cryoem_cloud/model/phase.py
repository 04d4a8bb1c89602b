"""Where a job is on its way, in the words that people read."""

from enum import Enum

__all__ = ["Phase"]


class Phase(Enum):
    """A job's phases, in order; a job that failed early goes from any of them to ENDED."""

    QUEUED = "queued"
    LOOKING = "looking for inputs"
    WAITING = "waiting"
    SENDING = "sending inputs"
    STARTING = "starting machines"
    RUNNING = "running"
    HOMECOMING = "coming home"
    ENDED = "ended"
