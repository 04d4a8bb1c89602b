"""The records of one job in a store, typed."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import count, islice

from cryoem_cloud.model import keys
from cryoem_cloud.model.chosen import Chosen
from cryoem_cloud.model.control import Control
from cryoem_cloud.model.errors import (
    FormatError,
    ObjectExistsError,
    ObjectMissingError,
    RefusedError,
)
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.launch import Launch
from cryoem_cloud.model.record import JSON, decode, encode, instant, integer, text
from cryoem_cloud.model.task import Ready, Task, pack_from_bytes, pack_to_bytes
from cryoem_cloud.model.units import plain
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.turns import TurnLog
from cryoem_cloud.stores.whole import reading

__all__ = ["JobRecords", "job_numbers"]


def job_numbers(store: Store, project: str) -> tuple[int, ...]:
    """The jobs that a project has in the store, in order."""
    found = store.folders(keys.jobs_prefix(project))
    return tuple(int(name) for name in found if name.isdigit())


class JobRecords:
    """Everything that a store holds of one job but bytes. Each call is one request."""

    def __init__(self, store: Store, project: str, number: int) -> None:
        self.store = store
        self.project = project
        self.number = number

    def put_job(self, job: Job) -> None:
        """Store what the user submitted; again is the same.

        Raises:
            RefusedError: Another job has that number.
        """
        key = keys.job_key(self.project, self.number)
        try:
            self.store.put(key, job.to_bytes(), if_absent=True)
        except ObjectExistsError:
            if self.store.get(key) != job.to_bytes():
                raise RefusedError(
                    f"number {self.number} belongs to another job in {self.store.url}"
                ) from None

    def job(self) -> Job:
        """What the user submitted."""
        key = keys.job_key(self.project, self.number)
        with reading(key):
            return Job.from_bytes(self.store.get(key))

    def put_tasks(self, tasks: tuple[Task, ...], *, pack: int = 0) -> None:
        """Store the specs of one pack of tasks; those of a job never change."""
        with suppress(ObjectExistsError):
            key = keys.tasks_key(self.project, self.number, pack)
            self.store.put(key, pack_to_bytes(tasks), if_absent=True)

    def tasks(self, pack: int) -> tuple[Task, ...]:
        """The specs of one pack; empty where there is none."""
        key = keys.tasks_key(self.project, self.number, pack)
        try:
            with reading(key):
                return pack_from_bytes(self.store.get(key))
        except ObjectMissingError:
            return ()

    def all_tasks(self) -> Iterator[Task]:
        """The specs of all tasks there are now, in order; a request a pack, and one more."""
        pack = 0
        while found := self.tasks(pack):
            yield from found
            pack += 1

    def set_ready(self, ready: Ready) -> None:
        """Say that the first `ready.count` tasks have their inputs in the store. One writer."""
        key = keys.ready_key(self.project, self.number)
        self.store.put(key, ready.to_bytes())

    def ready(self) -> Ready:
        """How many tasks may be taken."""
        key = keys.ready_key(self.project, self.number)
        try:
            with reading(key):
                return Ready.from_bytes(self.store.get(key))
        except ObjectMissingError:
            return Ready()

    def turns(self, task: str) -> TurnLog:
        """A task's turn log."""
        return TurnLog(self.store, keys.turns_prefix(self.project, self.number, task))

    def begun(self, *, after: str = "", most: int | None = None) -> Counter[str]:
        """How many turns each task has that has any; a listing.

        Only of tasks whose names sort behind `after`, and only the first `most` turns of all.
        """
        prefix = keys.job_prefix(self.project, self.number) + "turns/"
        listed = self.store.list(prefix, after=f"{prefix}{after}0" if after else "")
        found = islice(listed, most)
        return Counter(item.key.removeprefix(prefix).partition("/")[0] for item in found)

    def preparations(self) -> TurnLog:
        """The log that decides who makes a later job of a chain ready."""
        return TurnLog(self.store, keys.prepare_prefix(self.project, self.number))

    def deliveries(self) -> TurnLog:
        """The log that decides which courier brings the job home."""
        return TurnLog(self.store, keys.deliver_prefix(self.project, self.number))

    def put_beat(self, machine: str, count: int) -> None:
        """Show that a machine lives."""
        key = keys.beat_key(self.project, self.number, machine)
        self.store.put(key, b"%d" % count)

    def beat(self, machine: str) -> bytes | None:
        """What the machine last wrote; None where it never did."""
        try:
            return self.store.get(keys.beat_key(self.project, self.number, machine))
        except ObjectMissingError:
            return None

    def mark_gone(self, machine: str) -> None:
        """Say that the provider has seen the machine's end."""
        self.store.put(keys.gone_key(self.project, self.number, machine), b"")

    def is_gone(self, machine: str) -> bool:
        """Whether the provider has seen the machine's end."""
        return self._is_there(keys.gone_key(self.project, self.number, machine))

    def host_keys(self, machine: str) -> str:
        """The public keys of a machine, a line each; "" where it has told none (yet)."""
        try:
            key = keys.host_keys_key(self.project, self.number, machine)
            return self.store.get(key).decode("ascii", "replace")
        except ObjectMissingError:
            return ""

    def machines(self) -> tuple[str, ...]:
        """The machines that ever wrote something, in order of their names."""
        return tuple(self.store.folders(keys.machines_prefix(self.project, self.number)))

    def put_page(self, page: Page) -> None:
        """Store a journal page; again is the same."""
        key = keys.page_key(self.project, self.number, page.machine, page.number)
        with suppress(ObjectExistsError):
            self.store.put(key, page.to_bytes(), if_absent=True)

    def page(self, machine: str, number: int) -> Page | None:
        """A journal page; None where it is not written yet."""
        key = keys.page_key(self.project, self.number, machine, number)
        try:
            with reading(key):
                page = Page.from_bytes(self.store.get(key))
        except ObjectMissingError:
            return None
        if (page.machine, page.number) != (machine, number):
            raise FormatError(f"{key} says that it is page {page.number} of {page.machine}")
        return page

    def journal(self, machine: str) -> Iterator[Page]:
        """A machine's pages, as far as they are written; a request each, and one more."""
        for number in count(1):
            page = self.page(machine, number)
            if page is None:
                return
            yield page

    def pages(self, machine: str) -> int:
        """How many pages a machine's journal has; one request where it has none."""

        def there(number: int) -> bool:
            return self._is_there(keys.page_key(self.project, self.number, machine, number))

        over = 1
        while there(over):
            over *= 2
        last = over // 2
        while over - last > 1:
            middle = (last + over) // 2
            last, over = (middle, over) if there(middle) else (last, middle)
        return last

    def ask(self, wish: Control, why: str = "") -> None:
        """Record a wish of the user's; a lost reply may record it twice, which does no harm.

        `why` says what else than a user has wished it.
        """
        said = {"why": why} if why else {}
        self._append(keys.control_key, encode("control", {"wish": wish.value, **said}))

    def asked(self, number: int) -> Control | None:
        """The wish of that number; None where there is none yet."""
        said = self._control(number)
        if said is None:
            return None
        word = text(said, "wish")
        try:
            return Control(word)
        except ValueError as error:
            raise FormatError(f"an unknown wish for job {self.number}: {word!r}") from error

    def asked_why(self) -> str:
        """What has wished the first thing; "" where that was a user, or nothing is wished."""
        return plain(text(self._control(1) or {}, "why", ""))

    def _control(self, number: int) -> Mapping[str, JSON] | None:
        key = keys.control_key(self.project, self.number, number)
        try:
            with reading(key):
                return decode("control", self.store.get(key))
        except ObjectMissingError:
            return None

    def extend(self, until: datetime) -> None:
        """Record that the job's machines may be there until then."""
        self._append(
            keys.extended_key, encode("extended", {"until": f"{until:%Y-%m-%dT%H:%M:%SZ}"})
        )

    def extended(self, number: int) -> datetime | None:
        """The limit of that number; None where there is none yet."""
        key = keys.extended_key(self.project, self.number, number)
        try:
            with reading(key):
                return instant(decode("extended", self.store.get(key)), "until")
        except ObjectMissingError:
            return None

    def put_plan(self, chosen: Chosen) -> None:
        """Say which machines the job gets; the first word stands."""
        key = keys.plan_key(self.project, self.number)
        with suppress(ObjectExistsError):
            self.store.put(key, chosen.to_bytes(), if_absent=True)

    def plan(self) -> Chosen | None:
        """Which machines the job gets; None where no plan has decided that."""
        key = keys.plan_key(self.project, self.number)
        try:
            with reading(key):
                return Chosen.from_bytes(self.store.get(key))
        except ObjectMissingError:
            return None

    def put_launch(self, attempt: int, provider: str, token: str, launch: Launch) -> None:
        """Say that machines are about to be bought; the first word stands."""
        key = keys.launch_key(self.project, self.number, attempt)
        said = {"provider": provider, "token": token, **launch.to_json()}
        with suppress(ObjectExistsError):
            self.store.put(key, encode("launch", said), if_absent=True)

    def launch(self, attempt: int) -> Launch:
        """What was about to be bought."""
        key = keys.launch_key(self.project, self.number, attempt)
        with reading(key):
            return Launch.from_json(decode("launch", self.store.get(key)))

    def provider(self, attempt: int) -> str:
        """The name of whom machines were about to be bought from."""
        key = keys.launch_key(self.project, self.number, attempt)
        with reading(key):
            return plain(text(decode("launch", self.store.get(key)), "provider"))

    def launches(self) -> int:
        """How often machines were ordered; one request for each time, and one more."""
        count = 0
        while self._is_there(keys.launch_key(self.project, self.number, count + 1)):
            count += 1
        return count

    def put_end(self, exit_: Exit) -> None:
        """Say that nobody is to work on the job any more; the first word stands."""
        data = encode(
            "end", {"outcome": exit_.outcome.value, "code": exit_.code, "reason": exit_.reason}
        )
        with suppress(ObjectExistsError):
            self.store.put(keys.end_key(self.project, self.number), data, if_absent=True)

    def end(self) -> Exit | None:
        """How the job ended; None while somebody may work on it."""
        key = keys.end_key(self.project, self.number)
        try:
            with reading(key):
                fields = decode("end", self.store.get(key))
        except ObjectMissingError:
            return None
        try:
            outcome = Outcome(fields.get("outcome"))
        except ValueError as error:
            raise FormatError(f"job {self.number} has an unknown outcome") from error
        reason = plain(text(fields, "reason", ""))
        return Exit(outcome=outcome, code=integer(fields, "code", 0), reason=reason)

    def _append(self, key_of: Callable[[str, int, int], str], data: bytes) -> None:
        """Store it under the next number; a lost reply may do so twice."""
        for number in count(1):
            try:
                key = key_of(self.project, self.number, number)
                self.store.put(key, data, if_absent=True)
            except ObjectExistsError:
                continue
            return

    def _is_there(self, key: str) -> bool:
        try:
            self.store.size(key)
        except ObjectMissingError:
            return False
        return True
