"""One turn, from the claim to its end: fetch, run, send, close."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from cryoem_cloud.agent.ahead import Ahead
from cryoem_cloud.agent.attend import Attendance
from cryoem_cloud.agent.begin import Beginning, Origins, beginning
from cryoem_cloud.agent.close import Closing
from cryoem_cloud.agent.condition import Condition, Ending
from cryoem_cloud.agent.engines import Engines
from cryoem_cloud.agent.fetch import lay_out
from cryoem_cloud.agent.giving_back import give_back
from cryoem_cloud.agent.laid import Laid
from cryoem_cloud.agent.outputs import Outputs
from cryoem_cloud.agent.printed import write_printed
from cryoem_cloud.agent.programs import Programs
from cryoem_cloud.agent.remains import markers, start_of, tail
from cryoem_cloud.agent.room import require_short
from cryoem_cloud.agent.run import killed_for_memory, start
from cryoem_cloud.agent.sealing import Sealing
from cryoem_cloud.agent.send import Desk, Sender
from cryoem_cloud.agent.sending import sending
from cryoem_cloud.agent.take import Taken
from cryoem_cloud.agent.vigil import Ears, insisting
from cryoem_cloud.model.errors import ApplicationError, CryoemError, NoSpaceError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.paths import normal
from cryoem_cloud.model.units import human_size
from cryoem_cloud.ports.application import Application, Finished
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.providers.scratch import remove_tree
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["TurnWork"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnWork:
    """What a turn needs to be worked on. `scratch` is the turn's own folder, removed at the end.

    `earlier` gives what the job that this one resumes has made.
    """

    taken: Taken
    job: Job
    records: JobRecords
    earlier: Callable[[], Mapping[str, Entry]]
    application: Application
    machine: str
    scratch: Path
    environment: Mapping[str, str]
    umask: int | None
    clock: Clock
    first_page: int
    ahead: Ahead
    condition: Condition
    engines: Engines

    def work(self) -> int:
        """Work on the task to its end and close the claim; the number of the next page.

        Where another machine has taken the task over meanwhile, nothing is closed or published.
        """
        self.scratch.mkdir(parents=True, exist_ok=True)
        for log in self._logs.values():
            log.touch()
        senders: list[Sender] = []
        try:
            return self._work(senders)
        except ApplicationError as error:
            return self._break_off(error, senders)
        finally:
            remove_tree(self.scratch)

    def _work(self, senders: list[Sender]) -> int:
        begun, exit_ = self._begin()
        sender = self._sender(begun)
        senders.append(sender)
        exit_ = exit_ or self._run(begun, sender)
        if exit_ is not None:
            self._closing(begun, sender).close(exit_)
        sender.close()
        return sender.next_page

    def _break_off(self, error: ApplicationError, senders: list[Sender]) -> int:
        """Fail the task without asking the application any more; what was sent is its outputs."""
        made: dict[str, Entry] = {}
        for earlier in senders:
            earlier.close()
            made |= earlier.entries
        pages = insisting(lambda: self.records.pages(self.machine), self.clock.sleep)
        nothing = Outputs(self._root, (), skip=lambda _: True)
        sender = Sender(self._desk, nothing, self.clock, next_page=pages + 1, engines=self.engines)
        begun = Beginning(script="", inputs=(), stands=tuple(made.values()))
        self._closing(begun, sender).close(_failure(error))
        sender.close()
        return sender.next_page

    @property
    def _root(self) -> Path:
        return self.scratch / "project"

    @property
    def _logs(self) -> Mapping[str, Path]:
        return {name: self.scratch / f"run.{name}" for name in ("out", "err")}

    @property
    def _outputs(self) -> tuple[str, ...]:
        return tuple(map(normal, self.job.outputs))

    @property
    def _script(self) -> Path:
        """Where the user's script lies in the project's layout."""
        return self._root / (self.job.script_path or ".cryoem-job.sh")

    def _begin(self) -> tuple[Beginning, Exit | None]:
        """Lay out what the turn begins with; how the task ended where nothing is to be run."""

        def fetch() -> Beginning | CryoemError:
            try:
                return self._lay_out()
            except NoSpaceError as error:  # this machine's own disk: waiting would free nothing
                return error

        try:
            found = insisting(fetch, self.clock.sleep)
        except CryoemError as error:
            found = error
        if isinstance(found, Beginning):
            return found, self.taken.given_up
        return Beginning(script="", inputs=()), _failure(found)

    def _lay_out(self) -> Beginning:
        records = self.records
        self._programs.require()
        require_short(self._root / self.job.cwd, self.application.longest_folder(self.job))
        self.ahead.end()
        begun = beginning(
            self.taken,
            self.job,
            self.application,
            Origins(records=records, earlier=self.earlier, scratch=self.scratch),
        )
        lay_out(
            begun.inputs,
            store=records.store,
            project=records.project,
            root=self._root,
            outputs=self._outputs,
            ahead=self.ahead,
            engine=self.engines.fetching,
        )
        self._script.parent.mkdir(parents=True, exist_ok=True)
        (self._root / self.job.cwd).mkdir(parents=True, exist_ok=True)
        self._script.write_text(begun.script, encoding="utf-8", errors="surrogateescape")
        self._begin_logs()
        return begun

    @property
    def _programs(self) -> Programs:
        cwd = self._root / self.job.cwd
        return Programs(self.job.wish.container, self.environment, self._root, cwd)

    def _begin_logs(self) -> None:
        """What stands in the logs before the script says anything; once for a job in pieces."""
        task = self.taken.task
        remarks: tuple[str, ...] = ()
        if not task.is_piece:
            versions = self._programs.warning(self.application, at_home=task.at_home)
            remarks = (task.remark, versions, *self.application.remarks(self.job))
        text = "".join(f"{remark}\n" for remark in remarks if remark)
        for name, log in self._logs.items():
            said = text if name == "out" else ""
            log.write_text(said, encoding="utf-8", errors="surrogateescape")
        write_printed(self.taken.pieces, self.records, self._logs)

    @property
    def _desk(self) -> Desk:
        return Desk(
            records=self.records,
            machine=self.machine,
            task=self.taken.task.name,
            turn=self.taken.claim.number,
            root=self._root,
            logs=self._logs,
        )

    def _sender(self, begun: Beginning) -> Sender:
        sender = Sender(
            self._desk,
            Outputs(self._root, self._outputs, skip=self._skip()),
            self.clock,
            next_page=self.first_page,
            carried=() if self.taken.task.joins else begun.stands,
            sealing=Sealing(
                seals=partial(self.application.seals, self.job),
                replaces=partial(self.application.replaces, self.job),
                hurried=lambda: self.condition.in_danger,
            ),
            progressed=self.condition.progressed,
            engines=self.engines,
        )
        size = sum(entry.size for entry in begun.inputs)
        sender.say(f"{human_size(size)} of inputs fetched" if size else "the script is started")
        return sender

    def _skip(self) -> Callable[[str], bool]:
        held = frozenset(self.application.held_back(self.job))
        aborts = frozenset(map(normal, self.application.abort_files(self.job)))
        piece = self.taken.task.is_piece

        @cache
        def joined(path: str) -> bool:
            return path in self.application.joined(self.job, (path,))

        def skip(path: str) -> bool:
            ours = path in aborts or path.rpartition("/")[2] in held
            return ours or (piece and joined(path))

        return skip

    def _run(self, begun: Beginning, sender: Sender) -> Exit | None:
        """Run the script; None where the task is another machine's by now, or free for others."""
        kills = killed_for_memory()
        printed = {name: log.stat().st_size for name, log in self._logs.items()}
        laid = Laid(self._root, begun.laid if self.taken.task.joins else ())
        attendance = Attendance(
            taken=self.taken,
            ears=Ears(self.records),
            clock=self.clock,
            aborts=[self._root / normal(path) for path in self.application.abort_files(self.job)],
            wrong=laid.made_again,
            ends=self.condition.ending,
        )
        running = start(
            self._script,
            folder=self._root / self.job.cwd,
            out=self._logs["out"],
            err=self._logs["err"],
            environment=self.environment,
            umask=self.umask,
            around=self._programs.around,
        )
        self.ahead.begin()
        self.condition.use_counts = not self.application.speaks(self.job)
        with sending(sender):
            attendance.until_ended(running)
        if attendance.lost:
            return None
        if attendance.ending is not None:
            return self._ended(attendance.ending, sender)
        if attendance.fault:
            return Exit(outcome=Outcome.FAILURE, code=1, reason=attendance.fault)
        code = running.code if running.code is not None else 1
        judged = self._judged(
            code, printed, out_of_memory=code != 0 and killed_for_memory() > kills
        )
        if attendance.stopped and judged.outcome is not Outcome.SUCCESS:
            return Exit(outcome=Outcome.ABORTED, code=judged.code, reason="stopped on request")
        return judged

    def _ended(self, ending: Ending, sender: Sender) -> Exit | None:
        """How a task ended for what became of the machine; None where it is to go on elsewhere."""
        if ending.taken_in_s is None:
            return Exit(outcome=Outcome.FAILURE, code=1, reason=ending.reason)
        give_back(self.taken, sender, ending, self.clock.sleep)
        return None

    def _judged(self, code: int, printed: Mapping[str, int], *, out_of_memory: bool) -> Exit:
        """How the script did, by what it has said itself, behind so many bytes of the logs."""
        finished = Finished(
            code=code,
            markers=markers(self._root, self._outputs, self.application.held_back(self.job)),
            tail_out=tail(self._logs["out"], printed["out"]),
            tail_err=tail(self._logs["err"], printed["err"]),
            out_of_memory=out_of_memory,
            piece=self.taken.task.is_piece,
        )
        if not self.taken.task.is_piece:  # of a piece, what is empty may be so: the whole is not
            finished = replace(finished, read=partial(start_of, self._root))
        try:
            return self.application.judge(self.job, finished)
        except ApplicationError as error:
            return _failure(error)

    def _closing(self, begun: Beginning, sender: Sender) -> Closing:
        return Closing(
            taken=self.taken,
            records=self.records,
            sender=sender,
            stands=begun.stands,
            script=begun.script,
            logs=self._logs,
            sleep=self.clock.sleep,
        )


def _failure(error: CryoemError) -> Exit:
    return Exit(outcome=Outcome.FAILURE, code=error.exit_code, reason=str(error))
