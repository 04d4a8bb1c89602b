"""The names of a job's fleets: one for each attempt to man it."""

__all__ = ["fleets_of", "token_of"]


def token_of(project: str, job: int, attempt: int) -> str:
    """The name of a launch attempt of a job; attempts are counted from 1."""
    return f"{fleets_of(project, job)}{attempt}"


def fleets_of(project: str, job: int) -> str:
    """What the names of all attempts of a job begin with, and no other job's."""
    return f"{project}-{job:08d}-"
