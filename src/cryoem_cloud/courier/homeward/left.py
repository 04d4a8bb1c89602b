"""Files that a project's store alone has: jobs left them there by their home policy."""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cryoem_cloud.courier.homeward.policy import HomePolicy
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.model.errors import ApplicationError, NotFoundError, ObjectMissingError
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.application import Application
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["LeftInStore"]

_JOB = re.compile(r"jobs/(\d+)/")
"""What keys start with of which a job's machines are the makers."""


class LeftInStore:
    """What jobs left, by the index as far as the cache has read it.

    A file counts while the folder is there in which it would lie: with that the user deletes it.
    Paths are real ones, without links.
    """

    def __init__(
        self,
        store: Store,
        project: Project,
        cache: Cache,
        application: Callable[[str], Application],
    ) -> None:
        self._store = store
        self._project = project
        self._cache = cache
        self._application = application
        self._news = cache.news
        self._left: dict[int, frozenset[str]] = {}

    def __contains__(self, path: str) -> bool:
        """Whether the file was left in the store, and not deleted since."""
        if not self._has_folder(posixpath.dirname(path)):
            return False
        self._heed_news()
        if any(path in left for left in self._left.values()):
            return True
        entry = self._cache.entry(self._project.name, path)
        key = entry.content.key if entry and entry.content else ""
        return path in self._of(key)

    def names(self, folder: str) -> Iterator[str]:
        """The names of such files in a folder, in order."""
        if self._has_folder(folder):
            self._heed_news()
            for path, key in self._cache.files_in(self._project.name, folder):
                if path in self._of(key):
                    yield posixpath.basename(path)

    def _has_folder(self, folder: str) -> bool:
        try:
            return folder != "" and Path(self._project.folder, folder).is_dir()
        except ValueError:  # no file system can have such a name
            return False

    def _heed_news(self) -> None:
        if self._cache.news != self._news:
            self._news = self._cache.news
            self._left.clear()

    def _of(self, key: str) -> frozenset[str]:
        """What the job left by whose machines a key was made; nothing where none was."""
        found = _JOB.match(key)
        if found is None:
            return frozenset()
        number = int(found[1])
        if number not in self._left:
            self._left[number] = self._left_by(number)
        return self._left[number]

    def _left_by(self, number: int) -> frozenset[str]:
        name = self._project.name
        try:
            job = JobRecords(self._store, name, number).job()
            policy = HomePolicy(job, self._application(job.application))
        except (ApplicationError, ObjectMissingError, NotFoundError):
            return frozenset()
        made = [
            path
            for folder in job.outputs
            for path, key in self._cache.files_below(name, folder)
            if (found := _JOB.match(key)) and int(found[1]) == number
        ]
        return policy.staying(made, ended=True)
