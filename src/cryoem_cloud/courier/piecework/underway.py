"""A job in pieces while it is under way: some of it is still sent, some of it comes home."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryoem_cloud.courier.background import Background
from cryoem_cloud.courier.piecework.pace import Arriving
from cryoem_cloud.courier.piecework.pieces import PieceFollower
from cryoem_cloud.courier.piecework.piecewise import Piecewise
from cryoem_cloud.model.task import Ready
from cryoem_cloud.planner.reckon import BOOT_S
from cryoem_cloud.planner.strength import Seen

__all__ = ["Underway"]


@dataclass
class Underway:
    """What an errand has to do with pieces; nothing, for a job that is not cut."""

    _pieces: Piecewise | None = None
    _sending: Background | None = None
    _arriving: Arriving | None = None
    _slow: bool = False

    def send_on(self, pieces: Piecewise, steps: Iterator[Ready], *, slow: bool) -> None:
        """Have the rest of a job sent while machines work on what is there.

        `slow` says that there is so much to send that they may have to wait for it.
        """
        name = f"sending job {pieces.job.number}"
        self._pieces, self._slow = pieces, slow
        self._arriving = Arriving(pieces.sizes, pieces.clock)
        self._arriving.look(pieces.records.ready())
        self._sending = Background(_counted(self._arriving, steps), name)

    def wanted(self, there: int, most: int, *, work_s: float, follower: PieceFollower) -> int:
        """How many machines there should be, of a job that may take one as little as `work_s`.

        Decision 0019: as many as its pieces are worth while they are sent. All at once where there
        is little to send, or nobody has planned how much work it is (0).
        """
        arriving, items = self._arriving, follower.items
        if arriving is not None:
            items = sum(arriving.sizes)
        if not (work_s and items and (there or self._slow)):
            return most
        return Seen(
            items=items,
            sent=arriving.sent if arriving else items,
            ended=follower.items_ended,
            item_s=follower.working.item_s or work_s / items,
            counted=arriving.counted if arriving else 0,
            counted_s=arriving.counted_s if arriving else 0.0,
        ).wanted(there=there, most=most, boot_s=BOOT_S.p50)

    @property
    def sending(self) -> bool:
        """Whether some of the job is still to be sent."""
        return self._sending is not None and not self._sending.done

    @property
    def halted(self) -> bool:
        """Whether what is being sent is to be sent no more."""
        return self._sending is not None and self._sending.stopped

    def look(self, follower: PieceFollower) -> None:
        """Bring home what pieces have made; after a failure send no more of them.

        Raises:
            What keeps pieces from being sent or coming home.
        """
        follower.look()
        if self._sending is not None:
            self._sending.look()
            if follower.failed and self._pieces is not None:
                self.stop()
                self._pieces.give_up()

    def stop(self) -> None:
        """Send no more; returns when nothing is on its way."""
        if self._sending is not None:
            self._sending.stop()
            self._sending = None


def _counted(arriving: Arriving, steps: Iterator[Ready]) -> Iterator[Ready]:
    """The steps, each of which is counted."""
    for ready in steps:
        arriving.look(ready)
        yield ready
