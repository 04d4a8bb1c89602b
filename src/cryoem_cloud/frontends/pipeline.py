"""What default_pipeline.star says of jobs; RELION and the pipeliner both keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.apps.star import rows
from cryoem_cloud.model.errors import FormatError

__all__ = ["FINISHED", "PIPELINE", "PipelineWatch", "ended_as", "readers", "running"]

PIPELINE = "default_pipeline.star"
LOCK = ".relion_lock"
"""A folder that is there while somebody writes the pipeline's file."""

_PROCESSES = "pipeline_processes"
_EDGES = "pipeline_input_edges"
_FROM, _PROCESS = "rlnPipeLineEdgeFromNode", "rlnPipeLineEdgeProcess"
_JOB_SEGMENTS = 2
_NAME = "rlnPipeLineProcessName"
_STATUS = frozenset({"rlnPipeLineProcessStatus", "rlnPipeLineProcessStatusLabel"})
_RUNNING = frozenset({"0", "Running"})
_WAITING = frozenset({"1", "Scheduled"})
FINISHED = "finished"
"""The word for a job that has ended well."""
_WORDS = {"2": FINISHED, "3": "failed", "4": "aborted", "Succeeded": FINISHED}

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The statuses that a file held, and how often it was found unchanged since."""

    stamp: _Stamp
    statuses: Mapping[str, str]
    looks: int = 1


class PipelineWatch:
    """Says whether a job runs, and why it does no more, according to its project.

    Cheap enough for every second: the file is read again only when it has changed. Remembers what
    it saw, so that one watch is to be kept for as long as the jobs run.
    """

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def runs(self, project: Path, folder: str) -> bool:
        """Whether the job in that folder is said to run."""
        seen = self._look(project)
        return seen is not None and seen.statuses.get(folder) in _RUNNING

    def given_up(self, project: Path, folder: str) -> str:
        """Why the job in that folder, which was said to run, is wanted no more.

        "" if it is wanted, or if nothing is known.
        """
        seen = self._look(project)
        if seen is None:
            return ""
        status = seen.statuses.get(folder)
        if status in _RUNNING or status in _WAITING:
            return ""
        if status is not None:
            return f"{folder} was marked as {_word(status)} in the project"
        # A file that is being written may lack the job: it counts when found so twice.
        return f"{folder} was deleted from the project" if seen.looks > 1 else ""

    def _look(self, project: Path) -> _Seen | None:
        """The pipeline as it is now; what was seen last while somebody writes it."""
        last = self._seen.get(project)
        if (project / LOCK).exists():
            return None
        try:
            stat = (project / PIPELINE).stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if last is not None and last.stamp == stamp:
                seen = _Seen(stamp, last.statuses, last.looks + 1)
            else:
                seen = _Seen(stamp, _statuses(project / PIPELINE))
        except (OSError, FormatError):
            return None
        self._seen[project] = seen
        return seen


def ended_as(project: Path, folder: str) -> str | None:
    """How the project says that the job in that folder has ended, in a word.

    "" where it runs or waits, or nothing can be read; None where the project does not list it.
    """
    try:
        status = _statuses(project / PIPELINE).get(folder)
    except (OSError, FormatError):
        return ""
    if status is None:
        return None
    return "" if status in _RUNNING or status in _WAITING else _word(status)


def running(project: Path) -> tuple[str, ...]:
    """The folders of the jobs that are said to run; none where nothing can be read."""
    try:
        found = _statuses(project / PIPELINE)
    except (OSError, FormatError):
        return ()
    return tuple(folder for folder, status in found.items() if status in _RUNNING)


def readers(project: Path) -> Mapping[str, frozenset[str]]:
    """By a job's folder, those of all jobs that read what it makes, also through others.

    Nothing where nothing can be read.
    """
    try:
        edges = [
            (_job_of(row.values.get(_FROM, "")), row.values.get(_PROCESS, "").rstrip("/"))
            for row in rows(project / PIPELINE, {_FROM, _PROCESS}.__contains__, table=_EDGES)
        ]
    except (OSError, FormatError):
        return {}
    direct: dict[str, set[str]] = {}
    for source, reader in edges:
        if source and source != reader:
            direct.setdefault(source, set()).add(reader)
    return {source: _reached(direct, source) for source in direct}


def _reached(direct: Mapping[str, set[str]], source: str) -> frozenset[str]:
    found: set[str] = set()
    open_ = list(direct[source])
    while open_:
        reader = open_.pop()
        if reader not in found:
            found.add(reader)
            open_ += direct.get(reader, ())
    return frozenset(found - {source})


def _job_of(node: str) -> str:
    """The folder of the job that makes a node: RELION's have two names, Class2D/job006."""
    segments = node.split("/")
    return "/".join(segments[:2]) if len(segments) > _JOB_SEGMENTS else ""


def _word(status: str) -> str:
    return _WORDS.get(status, status.lower())


def _statuses(pipeline: Path) -> dict[str, str]:
    """The status of each process, by its folder."""
    wanted = _STATUS | {_NAME}
    found: dict[str, str] = {}
    for row in rows(pipeline, wanted.__contains__, table=_PROCESSES):
        status = next((row.values[label] for label in _STATUS if label in row.values), "")
        found[row.values.get(_NAME, "").rstrip("/")] = status
    return found
