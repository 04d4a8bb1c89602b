"""How a turn ends: the rest is sent, a manifest says what there is, and the claim is closed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.agent.printed import keep_printed
from cryoem_cloud.agent.send import Sender
from cryoem_cloud.agent.take import Taken
from cryoem_cloud.agent.vigil import insisting
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.journal import ENDED
from cryoem_cloud.model.keys import manifest_key
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.task import Task
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.stores.index import IndexLog, entries_to_bytes
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["Closing", "as_sent", "shared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What is needed to end a turn. `stands` are outputs that it had from the start.

    `script` is what it ran ("": nothing); not the task's, where it went on from what was made.
    """

    taken: Taken
    records: JobRecords
    sender: Sender
    stands: tuple[Entry, ...]
    script: str
    logs: Mapping[str, Path]
    sleep: Callable[[float], None]

    def close(self, exit_: Exit) -> None:
        """Send the rest and end the claim, unless another machine has taken the task over.

        Where a program was lost that has sealed something, the task is free again: another turn
        goes on from there.
        """
        self.sender.say("sending the last outputs")
        before = {entry.path for entry in self.stands}  # programs write their first one again
        released = exit_.lost and bool(self.sender.sealed - before)
        own = insisting(lambda: self.sender.finish(seals=not exit_.lost), self.sleep)
        exit_ = as_sent(exit_, self.sender.unreadable)
        self.sender.say("goes on elsewhere" if released else ENDED)
        insisting(self.sender.step, self.sleep)
        if released:
            claim, log = self.taken.claim, self.taken.log
            said = {"reason": exit_.reason}
            insisting(lambda: log.close(claim, Deed.RELEASED, said), self.sleep)
            return
        self._end(exit_, own)

    def _end(self, exit_: Exit, own: tuple[Entry, ...]) -> None:
        entries = {entry.path: entry for entry in (*self.stands, *own)}
        manifest = entries_to_bytes(tuple(entries.values()))
        task, claim, log = self.taken.task, self.taken.claim, self.taken.log
        key = manifest_key(self.records.number, task.name, claim.number)
        detail = self._detail(exit_, key, digest_of(manifest))
        insisting(lambda: self._put_manifest(key, manifest), self.sleep)
        deed = Deed.DONE if exit_.outcome is Outcome.SUCCESS else Deed.FAILED
        if insisting(lambda: log.close(claim, deed, detail), self.sleep) and not task.is_piece:
            self._publish(tuple(entries.values()), key, digest_of(manifest))

    def _detail(self, exit_: Exit, key: str, digest: str) -> dict[str, JSON]:
        task, claim = self.taken.task, self.taken.claim
        detail: dict[str, JSON] = {
            "outcome": exit_.outcome.value,
            "code": exit_.code,
            "reason": exit_.reason,
            "manifest": key,
            "digest": digest,
            "pages": self.sender.next_page - 1,
            "logs": dict(self.sender.sent_log),
        }
        if task.is_piece:
            detail["printed"] = insisting(
                lambda: keep_printed(self.records, task, claim, self.logs), self.sleep
            )
        if not task.is_piece and self.script not in {"", task.script}:
            detail["script"] = self.script
        if task.joins:
            detail["machines"] = dict(Counter(turn.holder for _, turn in self.taken.pieces))
            detail["ran"] = shared(self.taken.pieces)
        elif exit_.outcome is Outcome.SUCCESS and claim.number == 1 and not self.stands:
            detail["ran_s"] = max(1, round(self.sender.lasted_s))
        return detail

    def _put_manifest(self, key: str, manifest: bytes) -> None:
        self.records.store.put(f"{self.records.project}/{key}", manifest)

    def _publish(self, entries: tuple[Entry, ...], key: str, digest: str) -> None:
        """Make the outputs the project's own; a courier does it where we do not get there."""
        if entries:
            index = IndexLog(self.records.store, self.records.project)
            insisting(lambda: index.append_manifest(key, key, digest), self.sleep)


def shared(pieces: Iterable[tuple[Task, Turn]]) -> dict[str, JSON]:
    """By machine, the seconds that pieces ran on it, and how many items these had.

    Pieces that did not run from their beginning to their end in one turn are left out.
    """
    found: dict[str, list[int]] = {}
    for task, turn in pieces:
        ran_s = turn.detail.get("ran_s")
        if isinstance(ran_s, int) and ran_s > 0:
            of = found.setdefault(turn.holder, [0, 0])
            of[0] += ran_s
            of[1] += task.size
    return dict(found)


def as_sent(exit_: Exit, unreadable: Mapping[str, str]) -> Exit:
    """How the task ended, if these outputs could not be read: no success lacks a file."""
    if exit_.outcome is not Outcome.SUCCESS or not unreadable:
        return exit_
    (path, why), *others = sorted(unreadable.items())
    more = f", nor can {len(others)} more" if others else ""
    reason = f"{path} cannot be read on the machine ({why}){more}; all else is home"
    return Exit(outcome=Outcome.FAILURE, code=1, reason=reason)
