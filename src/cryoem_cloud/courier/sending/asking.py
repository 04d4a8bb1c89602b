"""What a job reads, asked for once no unfinished job can change the answer."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cryoem_cloud.apps.links import aliases, along_links
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.sending.watched import Watched
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.ports.application import Application
from cryoem_cloud.ports.view import View

__all__ = ["Asking", "before"]

_ENDS = r"(?![\w.+-])"
"""What follows on a name is no more of it."""


def before(job: int, cards: Iterable[Card]) -> tuple[Card, ...]:
    """Of a project's jobs, those that were submitted before this one and are not home yet."""
    return tuple(card for card in cards if card.open and card.number < job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Asks an application what a job needs, and waits for the jobs whose folders it looks into.

    `cards` gives the project's jobs as they are now; `wait` waits a moment for those that it is
    given, and says whether the user still wants the job.
    """

    application: Application
    job: Job
    view: View
    cards: Callable[[], Iterable[Card]]
    wait: Callable[[tuple[Card, ...]], bool]

    def needs(self) -> tuple[Need, ...] | None:
        """Every need under its real path, and links; None where the job is wanted no more.

        Whatever an unfinished job may still change is waited for, and the application is asked
        again: also where a list does not exist yet, or is only half written.

        Raises:
            What Application.needs and along_links raise, once nothing can change it.
        """
        while True:
            if not self._wait_for(self._names):
                return None
            folders = [folder for card in self._before() for folder in card.outputs]
            view = Watched(self.view, folders)
            found: list[Need] = []
            trouble: CryoemError | None = None
            try:
                found.extend(along_links(self.application.needs(self.job, view), view))
            except CryoemError as error:
                trouble = error
            touched = view.touched | set(_owning(found, folders))
            if touched:
                if not self._wait_for(touched.__contains__):
                    return None
            elif trouble is not None:
                raise trouble
            else:
                return tuple(found)

    def _before(self) -> tuple[Card, ...]:
        return before(self.job.number, self.cards())

    def _names(self, folder: str) -> bool:
        """Whether the script or the user names something in a folder, or the job writes there."""
        job = self.job
        if any(is_below(out, folder) or is_below(folder, out) for out in job.outputs):
            return True
        names = (folder.rstrip("/"), *aliases(self.view, folder))
        return any(
            _speaks_of(job.script, name) or any(is_below(path, name) for path in job.inputs)
            for name in names
        )

    def _wait_for(self, wanted: Callable[[str], bool]) -> bool:
        """Wait until no unfinished job owns what is wanted; False where the user stopped it."""
        owners: tuple[Card, ...] = ()
        while self.wait(owners):
            owners = tuple(card for card in self._before() if any(map(wanted, card.outputs)))
            if not owners:
                return True
        return False


def _speaks_of(script: str, folder: str) -> bool:
    """Whether a script has the folder's name, and not only as the beginning of a longer one."""
    return re.search(re.escape(folder) + _ENDS, script) is not None


def _owning(needs: Iterable[Need], folders: Iterable[str]) -> Iterator[str]:
    """The folders in which some of the needs lie."""
    for folder in folders:
        if any(is_below(need.path, folder) for need in needs):
            yield folder
