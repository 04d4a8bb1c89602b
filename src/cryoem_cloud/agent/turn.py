"""One turn, from the claim to its end: fetch, run, send, close."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cryoem_cloud.agent.fetch import lay_out
from cryoem_cloud.agent.outputs import Outputs
from cryoem_cloud.agent.run import Running, killed_for_memory, start
from cryoem_cloud.agent.send import Desk, Sender, sending
from cryoem_cloud.agent.take import Taken
from cryoem_cloud.agent.vigil import Ears, insisting
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import CryoemError, NoSpaceError, RefusedError, StoreError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.keys import manifest_key
from cryoem_cloud.model.machine import HEARTBEAT_S
from cryoem_cloud.model.paths import normal
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.turn import Deed, Standing, standing
from cryoem_cloud.model.units import human_size
from cryoem_cloud.ports.application import START_BYTES, Application, Finished
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.providers.scratch import remove_tree
from cryoem_cloud.stores.index import IndexLog, entries_to_bytes
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["TurnWork", "as_sent"]

_LOG = logging.getLogger(__name__)

_LOOK_S = 0.5
_LISTEN_S = 1.5
"""Between requests for a wish: with the courier's look, a program hears of it within 3 s."""
_TERM_GRACE_S = 10.0
"""Between TERM and KILL."""
_ABORT_GRACE_S = 60.0
"""Between a program's abort file and TERM."""
_TAIL_BYTES = 256 * 1024
"""Of a log, to be judged by: RELION may say a line for each of thousands of micrographs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnWork:
    """What a turn needs to be worked on. `scratch` is the turn's own folder, removed at the end."""

    taken: Taken
    job: Job
    records: JobRecords
    application: Application
    machine: str
    scratch: Path
    environment: Mapping[str, str]
    umask: int | None
    clock: Clock
    first_page: int

    def work(self) -> int:
        """Work on the task to its end and close the claim; the number of the next page.

        Where another machine has taken the task over meanwhile, nothing is closed or published.
        """
        root = self.scratch / "project"
        logs = {name: self.scratch / f"run.{name}" for name in ("out", "err")}
        self.scratch.mkdir(parents=True, exist_ok=True)
        for log in logs.values():
            log.touch()
        outputs = tuple(map(normal, self.job.outputs))
        try:
            trouble = self._lay_out(root, outputs)
            sender = self._sender(root, logs, outputs)
            exit_ = trouble or self._run(root, logs, sender)
            if exit_ is not None:
                self._close(exit_, sender)
            sender.close()
            return sender.next_page
        finally:
            remove_tree(self.scratch)

    def _lay_out(self, root: Path, outputs: tuple[str, ...]) -> Exit | None:
        """Fetch the inputs; how the task ended if that is not possible."""

        def fetch() -> CryoemError | None:
            try:
                lay_out(
                    self.taken.task,
                    store=self.records.store,
                    project=self.records.project,
                    root=root,
                    outputs=outputs,
                )
            except NoSpaceError as error:  # this machine's own disk: waiting would free nothing
                return error
            return None

        try:
            error = insisting(fetch, self.clock.sleep)
        except CryoemError as found:
            error = found
        if error is not None:
            return Exit(outcome=Outcome.FAILURE, code=error.exit_code, reason=str(error))
        script = self._script(root)
        script.parent.mkdir(parents=True, exist_ok=True)
        (root / self.job.cwd).mkdir(parents=True, exist_ok=True)
        script.write_text(self.taken.task.script, encoding="utf-8", errors="surrogateescape")
        return None

    def _script(self, root: Path) -> Path:
        """Where the user's script lies in the project's layout."""
        return root / (self.job.script_path or ".cryoem-job.sh")

    def _sender(self, root: Path, logs: Mapping[str, Path], outputs: tuple[str, ...]) -> Sender:
        held = frozenset(self.application.held_back(self.job))
        aborts = frozenset(map(normal, self.application.abort_files(self.job)))

        def skip(path: str) -> bool:
            return path in aborts or path.rpartition("/")[2] in held

        desk = Desk(
            records=self.records,
            machine=self.machine,
            task=self.taken.task.name,
            turn=self.taken.claim.number,
            root=root,
            logs=logs,
        )
        watch = Outputs(root, outputs, skip=skip)
        size = sum(entry.size for entry in self.taken.task.inputs)
        sender = Sender(desk, watch, self.clock, next_page=self.first_page)
        sender.say(f"{human_size(size)} of inputs fetched" if size else "the script is started")
        return sender

    def _run(self, root: Path, logs: Mapping[str, Path], sender: Sender) -> Exit | None:
        """Run the script; None where the task has been taken from us."""
        with logs["out"].open("a", encoding="utf-8", errors="surrogateescape") as log:
            log.writelines(f"{remark}\n" for remark in self.application.remarks(self.job))
        kills = killed_for_memory()
        running = start(
            self._script(root),
            folder=root / self.job.cwd,
            out=logs["out"],
            err=logs["err"],
            environment=self.environment,
            umask=self.umask,
        )
        with sending(sender):
            wish = self._attend(running, root)
        if wish is None:
            return None
        finished = Finished(
            code=running.code if running.code is not None else 1,
            markers=_markers(root, self.job.outputs, self.application.held_back(self.job)),
            tail_out=_tail(logs["out"]),
            tail_err=_tail(logs["err"]),
            out_of_memory=running.code != 0 and killed_for_memory() > kills,
            read=partial(_start_of, root),
        )
        judged = self.application.judge(self.job, finished)
        if wish and judged.outcome is not Outcome.SUCCESS:
            return Exit(outcome=Outcome.ABORTED, code=judged.code, reason="stopped on request")
        return judged

    def _attend(self, running: Running, root: Path) -> bool | None:
        """Listen until the script has ended.

        True: it ended after the user wanted it to. None: the task is not ours any more.
        """
        ears, clock = Ears(self.records), self.clock
        wished = False
        stages: list[tuple[float, Callable[[], None]]] = []
        looked_s = heard_s = clock.monotonic()
        while not running.ended(_LOOK_S):
            now_s = clock.monotonic()
            if now_s - looked_s >= HEARTBEAT_S:
                looked_s = now_s
                if not self._ours():
                    running.kill()
                    running.ended(_TERM_GRACE_S)
                    return None
            wish = None
            if now_s - heard_s >= _LISTEN_S:
                heard_s, wish = now_s, ears.wish()
            if wish is not None:
                wished = True
                stages = _stages(wish, now_s, running, self._abort(root))
            while stages and now_s >= stages[0][0]:
                stages.pop(0)[1]()
        return wished

    def _ours(self) -> bool:
        """Whether the claim still stands; yes while the store cannot say."""
        try:
            turns = self.taken.log.read()
        except StoreError:
            return True
        return standing(turns) is Standing.HELD and turns[-1].nonce == self.taken.claim.nonce

    def _abort(self, root: Path) -> Callable[[], bool]:
        paths = [root / normal(path) for path in self.application.abort_files(self.job)]

        def touch() -> bool:
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            return bool(paths)

        return touch

    def _close(self, exit_: Exit, sender: Sender) -> None:
        sender.say("sending the last outputs")
        entries = insisting(sender.finish, self.clock.sleep)
        exit_ = as_sent(exit_, sender.unreadable)
        sender.say("ended")
        insisting(sender.step, self.clock.sleep)
        key = manifest_key(self.job.number, self.taken.task.name, self.taken.claim.number)
        manifest = entries_to_bytes(entries)
        insisting(lambda: self._put_manifest(key, manifest), self.clock.sleep)
        deed = Deed.DONE if exit_.outcome is Outcome.SUCCESS else Deed.FAILED
        detail: dict[str, JSON] = {
            "outcome": exit_.outcome.value,
            "code": exit_.code,
            "reason": exit_.reason,
            "manifest": key,
            "digest": digest_of(manifest),
            "pages": sender.next_page - 1,
            "logs": dict(sender.sent_log),
        }
        claim, log = self.taken.claim, self.taken.log
        if insisting(lambda: log.close(claim, deed, detail), self.clock.sleep):
            self._publish(entries, key, digest_of(manifest))

    def _put_manifest(self, key: str, manifest: bytes) -> None:
        self.records.store.put(f"{self.records.project}/{key}", manifest)

    def _publish(self, entries: tuple[Entry, ...], key: str, digest: str) -> None:
        """Make the outputs the project's own; a courier does it where we do not get there."""
        if entries:
            index = IndexLog(self.records.store, self.records.project)
            insisting(lambda: index.append_manifest(key, key, digest), self.clock.sleep)


def _stages(
    wish: Control, now_s: float, running: Running, abort: Callable[[], bool]
) -> list[tuple[float, Callable[[], None]]]:
    """What happens when, after the user wished for an end."""
    patience_s = 0.0
    if wish is Control.ABORT and abort():
        patience_s = _ABORT_GRACE_S
    return [
        (now_s + patience_s, running.terminate),
        (now_s + patience_s + _TERM_GRACE_S, running.kill),
    ]


def as_sent(exit_: Exit, unreadable: Mapping[str, str]) -> Exit:
    """How the task ended, if these outputs could not be read: no success lacks a file."""
    if exit_.outcome is not Outcome.SUCCESS or not unreadable:
        return exit_
    (path, why), *others = sorted(unreadable.items())
    more = f", nor can {len(others)} more" if others else ""
    reason = f"{path} cannot be read on the machine ({why}){more}; all else is home"
    return Exit(outcome=Outcome.FAILURE, code=1, reason=reason)


def _markers(root: Path, outputs: tuple[str, ...], held: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        name for output in outputs for name in held if (root / normal(output) / name).exists()
    )


def _start_of(root: Path, path: str) -> bytes:
    try:
        with (root / normal(path)).open("rb") as file:
            return file.read(START_BYTES)
    except (OSError, RefusedError):
        return b""


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace")
