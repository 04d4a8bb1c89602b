"""Whether a job is cut into pieces, and how large they are."""

from dataclasses import dataclass

from cryoem_cloud.courier.piecework.cutting import piece_sizes
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.task import GOES_ON
from cryoem_cloud.ports.application import Application, Cut, Shape, Uncut
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Divided", "Division"]


@dataclass(frozen=True, slots=True)
class Divided:
    """A job that is cut, and how many items each piece has, those that were begun first."""

    cut: Cut
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Divides a job among so many `machines` of that shape."""

    job: Job
    application: Application
    records: JobRecords
    shape: Shape
    machines: int

    def divided(self, view: View, *, slow: bool) -> Divided | str:
        """The job in pieces, or why one machine does it all; "" where nobody wanted anything else.

        `slow` says that sending takes so long that a machine had better begin before it is over.
        A job that goes on after others is not cut: a machine of theirs goes on with it.

        Raises:
            What Application.cut raises.
        """
        wish = self.job.wish
        if wish.pieces == 1 or not self._worth_cutting(slow=slow):
            return ""
        found = Uncut(GOES_ON) if self.job.after else self._cut(view, slow=slow)
        if isinstance(found, Divided):
            return found
        return found.why if self.machines > 1 or wish.several else ""

    def _cut(self, view: View, *, slow: bool) -> Divided | Uncut:
        cut = self.application.cut(self.job, view)
        if not isinstance(cut, Cut):
            return cut or Uncut("its command works on all of its input together")
        begun = tuple(task.size for task in self.records.all_tasks() if task.is_piece)
        sizes = piece_sizes(
            cut.items,
            machines=self.machines,
            item_s=cut.seconds / self._cores(),
            wanted=self.job.wish.pieces,
            streamed=slow,
            begun=begun,
        )
        if len(sizes) <= 1 and not begun:
            return Uncut(f"the {cut.noun} that it has to do are too few to be shared")
        return Divided(cut, sizes)

    def _worth_cutting(self, *, slow: bool) -> bool:
        """Whether pieces save time. Once there are tasks, they say it: less is to be sent then."""
        if begun := self.records.tasks(0):
            return begun[0].is_piece
        return self.machines > 1 or bool(self.job.wish.pieces) or slow

    def _cores(self) -> int:
        """How many the job uses on a machine, roughly."""
        wish = self.job.wish
        return max(1, wish.ranks * wish.threads if self.shape.fixed else self.shape.cores)
