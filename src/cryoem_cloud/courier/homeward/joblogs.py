"""A job's logs at home: lines in their place, behind what the files held before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.courier.homeward.rights import Rights
from cryoem_cloud.courier.homeward.room import possible
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.journal import LogLines

__all__ = ["JobLogs"]


@dataclass(frozen=True, slots=True)
class JobLogs:
    """Logs in the project's folder. Calls raise OSError where they cannot be written."""

    project: Path
    job: Job
    rights: Rights

    def add(self, chunk: LogLines) -> None:
        """Put lines in their place; again is the same.

        A log whose beginning comes is begun anew: nothing stays of what was in it.
        """
        left, at = memoryview(chunk.data), self.job.log_starts[chunk.log] + chunk.start
        with possible(self.job.logs[chunk.log]), self._opened(chunk.log) as descriptor:
            if not chunk.start:
                os.ftruncate(descriptor, at)
            while left:
                written = os.pwrite(descriptor, left, at)
                left, at = left[written:], at + written

    def cut(self, name: str, size: int) -> None:
        """Leave so many bytes of the job's in a log."""
        with self._opened(name) as descriptor:
            os.ftruncate(descriptor, self.job.log_starts[name] + size)

    def end_with(self, text: bytes, *, log: str = "err") -> None:
        """End a log with a text, unless it ends with it already."""
        descriptor = self.rights.opened(self.project / self.job.logs[log], os.O_RDWR)
        with os.fdopen(descriptor, "r+b") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(text)))
            if file.read() != text:
                file.seek(0, os.SEEK_END)
                file.write(text)

    @contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        descriptor = self.rights.opened(self.project / self.job.logs[name], os.O_WRONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
