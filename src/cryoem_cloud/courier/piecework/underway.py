"""A job in pieces while it is under way: some of it is still sent, some of it comes home."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryoem_cloud.courier.background import Background
from cryoem_cloud.courier.piecework.pieces import PieceFollower
from cryoem_cloud.courier.piecework.piecewise import Piecewise

__all__ = ["Underway"]


@dataclass
class Underway:
    """What an errand has to do with pieces; nothing, for a job that is not cut."""

    _pieces: Piecewise | None = None
    _sending: Background | None = None

    def send_on(self, pieces: Piecewise, steps: Iterator[object]) -> None:
        """Have the rest of a job sent while machines work on what is there."""
        name = f"sending job {pieces.job.number}"
        self._pieces, self._sending = pieces, Background(steps, name)

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
