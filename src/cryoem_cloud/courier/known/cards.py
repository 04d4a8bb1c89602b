"""Cards: what this computer knows of jobs, one small file each, readable without any network.

The front writes a job's card when it is submitted, the courier whenever something changes.
"""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from cryoem_cloud.courier.known.projects import folder_of
from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.errors import FormatError, NewerFormatError
from cryoem_cloud.model.forecast import Forecast
from cryoem_cloud.model.job import Exit, Job, Outcome
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON, decode, encode, integer, integers, items, text

__all__ = ["Card", "Cards"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A job as this computer sees it. `note` says in a sentence what it waits for or does.

    `outcome` is set once the job has ended. `bytes_up` and `bytes_down` count what was really
    moved by the courier; `to_send` is an upper bound of what there is to send. `started_at` is
    when a machine said its first word ("": none has yet); `run_s` lasts from there to the end.
    `begun`: the front end was seen to say that it runs. `after` are the jobs that it goes on after;
    `home` is what comes home of it; `courier` is this computer's that brings it home ("": none has
    it yet); `forecast` how long the job takes yet, once that can be told.
    """

    number: int
    project: str
    store: str
    folder: Path
    name: str
    application: str
    frontend: str
    outputs: tuple[str, ...]
    logs: tuple[str, str]
    submitted_at: str
    log_starts: tuple[int, int] = (0, 0)
    phase: Phase = Phase.QUEUED
    note: str = ""
    outcome: Outcome | None = None
    code: int = 0
    reason: str = ""
    bytes_up: int = 0
    to_send: int = 0
    bytes_down: int = 0
    started_at: str = ""
    run_s: int = 0
    ended_at: str = ""
    begun: bool = False
    after: tuple[int, ...] = ()
    home: str = "all"
    courier: str = ""
    forecast: Forecast | None = None

    @classmethod
    def of_job(cls, job: Job, project: Project) -> Self:
        """The card of a job that was just submitted."""
        return cls(
            number=job.number,
            project=project.name,
            store=project.store,
            folder=project.folder,
            name=job.name,
            application=job.application,
            frontend=job.frontend,
            outputs=job.outputs,
            logs=(job.logs.get("out", ""), job.logs.get("err", "")),
            log_starts=(job.log_starts.get("out", 0), job.log_starts.get("err", 0)),
            submitted_at=job.submitted_at,
            after=job.after,
            home=job.wish.home or "all",
        )

    @property
    def open(self) -> bool:
        """Whether the job is not home yet."""
        return self.phase is not Phase.ENDED

    @property
    def exit(self) -> Exit | None:
        """How the job ended; None while it is not home."""
        if self.outcome is None:
            return None
        return Exit(outcome=self.outcome, code=self.code, reason=self.reason)

    @property
    def slip_name(self) -> str:
        """The name of the job's slip, where this computer brings it home."""
        return f"{self.number:08d}.{self.project}"

    def to_json(self) -> dict[str, JSON]:
        """As `--json` shows it and as it is stored."""
        return {
            "number": self.number,
            "project": self.project,
            "store": self.store,
            "folder": self.folder.as_uri(),
            "name": self.name,
            "application": self.application,
            "frontend": self.frontend,
            "outputs": list(self.outputs),
            "logs": list(self.logs),
            "log_starts": list(self.log_starts),
            "submitted_at": self.submitted_at,
            "phase": self.phase.value,
            "note": self.note,
            "outcome": self.outcome.value if self.outcome else None,
            "code": self.code,
            "reason": self.reason,
            "bytes_up": self.bytes_up,
            "to_send": self.to_send,
            "bytes_down": self.bytes_down,
            "started_at": self.started_at,
            "run_s": self.run_s,
            "ended_at": self.ended_at,
            "begun": self.begun,
            "after": list(self.after),
            "home": self.home,
            "courier": self.courier,
            "forecast": self.forecast.to_json() if self.forecast else None,
        }

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is not a card.
        """
        fields = decode("card", data)
        out, err = (str(path) for path in items(fields, "logs"))
        first, second = (int(start) for start in items(fields, "log_starts") or (0, 0))
        try:
            phase = Phase(fields.get("phase"))
            outcome = Outcome(said) if (said := fields.get("outcome")) else None
        except ValueError as error:
            raise FormatError(f"a card of an unknown phase or outcome: {error}") from error
        return cls(
            number=integer(fields, "number"),
            project=text(fields, "project"),
            store=text(fields, "store"),
            folder=folder_of(text(fields, "folder")),
            name=text(fields, "name"),
            application=text(fields, "application"),
            frontend=text(fields, "frontend"),
            outputs=tuple(map(str, items(fields, "outputs"))),
            logs=(out, err),
            log_starts=(first, second),
            submitted_at=text(fields, "submitted_at"),
            phase=phase,
            note=text(fields, "note", ""),
            outcome=outcome,
            code=integer(fields, "code", 0),
            reason=text(fields, "reason", ""),
            bytes_up=integer(fields, "bytes_up", 0),
            to_send=integer(fields, "to_send", 0),
            bytes_down=integer(fields, "bytes_down", 0),
            started_at=text(fields, "started_at", ""),
            run_s=integer(fields, "run_s", 0),
            ended_at=text(fields, "ended_at", ""),
            begun=bool(fields.get("begun", False)),
            after=integers(fields, "after"),
            home=text(fields, "home", "all"),
            courier=text(fields, "courier", ""),
            forecast=Forecast.from_json(told) if (told := fields.get("forecast")) else None,
        )


class Cards:
    """The cards below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, card: Card) -> None:
        """Replace the job's card."""
        data = encode("card", card.to_json())
        write_whole(self._folder / f"{card.slip_name}.json", data)

    def add(self, card: Card) -> None:
        """See to it that the job has a card; one that is there knows more."""
        if not (self._folder / f"{card.slip_name}.json").exists():
            self.write(card)

    def of_number(self, number: int) -> tuple[Card, ...]:
        """The cards of that number; several stores may each have one."""
        return tuple(self._read(self._folder.glob(f"{number:08d}.*.json")))

    def all(self) -> tuple[Card, ...]:
        """All cards, by number."""
        if not self._folder.is_dir():
            return ()
        return tuple(self._read(sorted(self._folder.glob("[0-9]*.json"))))

    def follow(self, project: Project) -> None:
        """Say of the project's jobs that are home where they are now; a courier says it of others.

        Reads one card where the project has not moved.
        """
        names = sorted(self._folder.glob(f"[0-9]*.{project.name}.json"), reverse=True)
        for card in self._read(names):
            if card.open:
                continue
            if card.folder == project.folder:
                return
            self.write(replace(card, folder=project.folder))

    def move(self, project: Project) -> None:
        """Say of all the project's jobs that they are in its store."""
        for card in self._read(sorted(self._folder.glob(f"[0-9]*.{project.name}.json"))):
            self.write(replace(card, store=project.store))

    def _read(self, files: Iterator[Path] | list[Path]) -> Iterator[Card]:
        """The cards that can be read; a damaged one is set aside, and hides no other."""
        for file in files:
            with suppress(FileNotFoundError):
                try:
                    yield Card.from_bytes(file.read_bytes())
                except NewerFormatError as error:
                    _LOG.warning("%s is left out: %s", file, error)
                except FormatError as error:
                    aside = file.replace(file.with_suffix(".damaged"))
                    _LOG.warning("a job's card is damaged and set aside as %s: %s", aside, error)
