"""The journal: what a machine's agent did, page by page.

A page is one object: first the bytes of log lines and of small files, then a record (JSON) that
says what they are, then that record's length as ten ASCII digits. Small files are not sent again:
their entries name the page and the range in it.
"""

from dataclasses import dataclass, replace
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.record import JSON, decode, encode, integer, items, text

__all__ = ["ENDED", "LogLines", "Page"]

ENDED = "ended"
"""The phase of a turn's last page: its outputs are sent, and its last turn follows."""

_FOOTER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """Bytes that a task wrote to its standard output ("out") or error ("err").

    `start` is their place in that stream, counted from the task's start.
    """

    log: str
    start: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One entry of a machine's journal. `phase` is what the agent does now, for people."""

    machine: str
    number: int
    task: str = ""
    turn: int = 0
    phase: str = ""
    lines: tuple[LogLines, ...] = ()
    files: tuple[Entry, ...] = ()
    small: tuple[tuple[Entry, bytes], ...] = ()
    """Files whose bytes travel in the page itself; `to_bytes` gives their content its range."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that it names."""
        return (*self.files, *(entry for entry, _ in self.small))

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.lines or self.files or self.small or self.phase)

    def placed(self, key: str) -> Self:
        """The page with its small files' contents naming `key` and their ranges in it."""
        at = sum(len(chunk.data) for chunk in self.lines)
        small = []
        for entry, data in self.small:
            if entry.content is None:
                raise FormatError(f"a small file without content: {entry.path}")
            content = replace(entry.content, key=key, start=at, stored=len(data))
            small.append((replace(entry, content=content), data))
            at += len(data)
        return replace(self, small=tuple(small))

    def to_bytes(self) -> bytes:
        """As it is stored; call `placed` first where there are small files."""
        logs: list[JSON] = [[c.log, c.start, len(c.data)] for c in self.lines]
        head = encode(
            "journal",
            {
                "machine": self.machine,
                "number": self.number,
                "task": self.task,
                "turn": self.turn,
                "phase": self.phase,
                "logs": logs,
                "files": [entry.to_json() for entry in self.files],
                "small": [[entry.to_json(), len(data)] for entry, data in self.small],
            },
        )
        body = b"".join(c.data for c in self.lines) + b"".join(data for _, data in self.small)
        return body + head + b"%0*d" % (_FOOTER, len(head))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is not a page, or its lengths do not add up.
        """
        digits = data[-_FOOTER:]
        if len(digits) < _FOOTER or not digits.isdigit() or int(digits) + _FOOTER > len(data):
            raise FormatError("a journal page is cut short")
        head_start = len(data) - _FOOTER - int(digits)
        fields = decode("journal", data[head_start:-_FOOTER])
        try:
            logs = [(str(log), int(start), int(n)) for log, start, n in items(fields, "logs")]
            small = [(Entry.from_json(entry), int(n)) for entry, n in items(fields, "small")]
        except (TypeError, ValueError, OverflowError) as error:
            raise FormatError("a journal page's lists cannot be read") from error
        at, lines, bundled = 0, [], []
        for log, start, length in logs:
            lines.append(LogLines(log=log, start=start, data=data[at : at + length]))
            at += length
        for entry, length in small:
            bundled.append((entry, data[at : at + length]))
            at += length
        if at != head_start or any(n < 0 for *_, n in logs) or any(n < 0 for _, n in small):
            raise FormatError("a journal page's lengths do not add up")
        return cls(
            machine=text(fields, "machine"),
            number=integer(fields, "number"),
            task=text(fields, "task", ""),
            turn=integer(fields, "turn", 0),
            phase=text(fields, "phase", ""),
            lines=tuple(lines),
            files=tuple(Entry.from_json(item) for item in items(fields, "files")),
            small=tuple(bundled),
        )
