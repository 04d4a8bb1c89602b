"""Sends a job in pieces: machines work on the first ones while the rest is on its way."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from cryoem_cloud.apps.links import Links, along_links
from cryoem_cloud.apps.overlaid import Overlaid
from cryoem_cloud.model.digest import digest_of, is_digest_of
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.model.keys import lists_key
from cryoem_cloud.model.task import MAIN, Ready, Task, piece_name
from cryoem_cloud.ports.application import Application, Cut
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.view import View
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Piecewise"]

_PACK_S = 2.0
"""Pieces that become ready within this share a pack: three requests, however many they are."""
_PACK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Piecewise:
    """A job that is cut. `sent` brings needs into the store, `adapted` is the port's for machines.

    `at_home` and `remark` are as in Task; `sizes` begin with those of the pieces that are sent
    already. `needs` is what the whole job needs, `also` what its pieces need besides their own.
    """

    job: Job
    cut: Cut
    sizes: Sequence[int]
    view: View
    application: Application
    records: JobRecords
    needs: Sequence[Need]
    also: Sequence[Need]
    sent: Callable[[Sequence[Need]], tuple[Entry, ...]]
    adapted: Callable[[Job], str]
    at_home: str
    clock: Clock
    remark: str = ""

    def send(self) -> Iterator[Ready]:
        """Send what is not sent yet, piece by piece; how far that is after each pack.

        Raises:
            RefusedError: The list was changed after some of it had been sent, or meanwhile.
            What `sent` and Application.needs raise.
        """
        tasks = tuple(self.records.all_tasks())
        if tasks and tasks[-1].joins:  # all is sent, or will never be: it was given up
            yield self._say(len(tasks), len(tasks))
            return
        self._require_same(tasks)
        pack, count, total = len(tuple(self._packs())), len(tasks), len(self.sizes) + 1
        fresh: list[tuple[Task, bytes]] = []
        begun_s = self.clock.monotonic()
        for at, (first, last) in enumerate(self._ranges()):
            if at < count:
                continue
            fresh.append(self._piece(at, first, last))
            due = not at or self.clock.monotonic() - begun_s >= _PACK_S or len(fresh) >= _PACK
            if due:
                self._put(pack, fresh)
                pack, fresh, begun_s = pack + 1, [], self.clock.monotonic()
                yield self._say(at + 1, total)
        self._put(pack, fresh, self._joining())
        yield self._say(total, total)

    def give_up(self) -> None:
        """Send no piece any more: the job has failed, and what there is comes home."""
        tasks = tuple(self.records.all_tasks())
        if not tasks[-1].joins:
            last = Task(name=MAIN, script=self.adapted(self.job), inputs=(), joins=True)
            self.records.put_tasks((last,), pack=len(tuple(self._packs())))
            tasks = (*tasks, last)
        self._say(len(tasks), len(tasks))

    def _packs(self) -> Iterator[int]:
        pack = 0
        while self.records.tasks(pack):
            yield pack
            pack += 1

    def _ranges(self) -> Iterator[tuple[int, int]]:
        return pairwise(accumulate(self.sizes, initial=0))

    def _require_same(self, tasks: Sequence[Task]) -> None:
        """See to it that what was sent before is the beginning of what is sent now."""
        if not all(map(self._is_as_sent, tasks)):
            raise self._changed()

    def _changed(self) -> RefusedError:
        return RefusedError(
            f"{self.cut.path} changed after a part of job {self.job.number} had been sent",
            hint="submit it again",
        )

    def _is_as_sent(self, task: Task) -> bool:
        if task.items[1] > self.cut.items:
            return False
        return is_digest_of(self._sent_digest(task.inputs), self.cut.part(*task.items))

    def _sent_digest(self, inputs: Sequence[Entry]) -> str:
        """The digest of the list as it was sent; "" if it was not."""
        contents = {entry.path: entry.content for entry in inputs}
        sent = contents.get(Links(self.view).real(self.cut.path))
        return sent.digest if sent is not None else ""

    def _piece(self, at: int, first: int, last: int) -> tuple[Task, bytes]:
        """A piece with its inputs in the store, but for its list, whose bytes are given."""
        part = self.cut.part(first, last)
        job = replace(self.job, script=self.cut.script(first))
        place = Links(self.view).real(self.cut.path)
        view = Overlaid(self.view, {place: part})
        needs = [*along_links(self.application.needs(job, view), view), *self.also]
        entries = self.sent([need for need in needs if need.path != place])
        task = Task(
            name=piece_name(at + 1),
            script=self.adapted(job),
            inputs=(*entries, Entry(path=place)),
            title=f"piece {at + 1} of {len(self.sizes)}: {self.cut.noun} {first + 1} to {last}",
            items=(first, last),
        )
        return task, part

    def _joining(self) -> Task:
        """What joins the pieces gets the list that they were cut from."""
        inputs = self.sent(self.needs)
        sent = self._sent_digest(inputs)
        if sent and not is_digest_of(sent, self.cut.part(0, self.cut.items)):
            raise self._changed()
        return Task(
            name=MAIN,
            script=self.adapted(self.job),
            inputs=inputs,
            joins=True,
            remark=self.remark,
            at_home=self.at_home,
        )

    def _put(self, pack: int, fresh: list[tuple[Task, bytes]], last: Task | None = None) -> None:
        """Store a pack of pieces, their lists in one object."""
        tasks: list[Task] = []
        lists = b"".join(part for _, part in fresh)
        key = lists_key(self.job.number, digest_of(lists).partition(":")[2])
        if lists:
            self.records.store.put(f"{self.records.project}/{key}", lists)
        start = 0
        for task, part in fresh:
            content = Content(
                key=key, start=start, stored=len(part), size=len(part), digest=digest_of(part)
            )
            start += len(part)
            *inputs, own = task.inputs
            tasks.append(replace(task, inputs=(*inputs, replace(own, content=content))))
        self.records.put_tasks((*tasks, *((last,) if last else ())), pack=pack)

    def _say(self, count: int, of: int) -> Ready:
        ready = Ready(count, of)
        self.records.set_ready(ready)
        return ready
