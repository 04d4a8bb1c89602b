"""The names of a job's fleets: one for each attempt to man it."""

import re

__all__ = ["attempt_of", "fleets_of", "job_of", "token_of"]


_TOKEN = re.compile(r"([^@].*)-(\d{8})-\d+")


def token_of(project: str, job: int, attempt: int) -> str:
    """The name of a launch attempt of a job; attempts are counted from 1."""
    return f"{fleets_of(project, job)}{attempt}"


def fleets_of(project: str, job: int) -> str:
    """What the names of all attempts of a job begin with, and no other job's."""
    return f"{project}-{job:08d}-"


def job_of(token: str) -> tuple[str, int] | None:
    """The project and the number of the job that a fleet is of; None: it is no fleet's name."""
    found = _TOKEN.fullmatch(token)
    return (found[1], int(found[2])) if found else None


def attempt_of(token: str) -> int:
    """The number of the attempt whose name that is; 0: it is no fleet's name."""
    return int(token.rpartition("-")[2]) if job_of(token) else 0
