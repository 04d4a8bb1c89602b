"""Which fleets of a job are kept: recorded in the store, where the next courier finds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Launches"]


@dataclass
class Launches:
    """The fleets of one job that are kept, by the numbers of their attempts, the oldest first.

    `alone` is how many launches stood beside no other: so often the job was manned.
    """

    records: JobRecords
    kept: Mapping[int, Launch] = field(default_factory=dict)
    alone: int = 0
    _newest: int = 0

    def take_up(self) -> None:
        """Know those that were recorded, by whomever."""
        self._newest = self.records.launches()
        found = {number: self.records.launch(number) for number in range(1, self._newest + 1)}
        self.alone = sum(not launch.beside for launch in found.values())
        if newest := found.get(self._newest):
            self.kept = {number: found[number] for number in (*newest.beside, self._newest)}

    def begin(self, launch: Launch, provider: str) -> None:
        """Record another launch; of two couriers that do the first one's stands."""
        self._newest += 1
        self.records.put_launch(self._newest, provider, self.token(self._newest), launch)
        found = self.records.launch(self._newest)
        self.alone += not found.beside
        before = {number: self.kept[number] for number in found.beside if number in self.kept}
        self.kept = {**before, self._newest: found}

    def token(self, attempt: int) -> str:
        """The name of a fleet."""
        return token_of(self.records.project, self.records.number, attempt)

    def beside(self, attempt: int) -> tuple[int, ...]:
        """All that are kept but that one."""
        return tuple(number for number in self.kept if number != attempt)

    def strength(self, most: int, *, but: int = 0) -> int:
        """How many machines they have together, without those of one, where a job has `most`."""
        kept = (launch for number, launch in self.kept.items() if number != but)
        return sum(launch.count or most for launch in kept)
