"""What a script prints: what of it is new, also where a log was begun anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cryoem_cloud.model.journal import LogLines

__all__ = ["Printing"]

_MOST_BYTES = 4 * 1024 * 1024
"""Of a log at a time."""
_SIGN_BYTES = 256
"""Of a log's beginning, and of the end of what was told: what they are says whether it went on."""


@dataclass(slots=True)
class Printing:
    """Reads logs as they grow. `told` is how far, in bytes, by their names."""

    logs: Mapping[str, Path]
    told: dict[str, int] = field(default_factory=dict)
    _signs: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)

    def fresh(self) -> Iterator[LogLines]:
        """What is new; of a log that was cut or written anew everything, from its start."""
        for log, path in self.logs.items():
            with path.open("rb") as file:
                told = self.told.get(log, 0)
                start = told if self._signs_at(file, told) == self._sign(log) else 0
                file.seek(start)
                data = file.read(_MOST_BYTES)
            if data or start < told:
                yield LogLines(log=log, start=start, data=data)

    def tell(self, chunk: LogLines) -> None:
        """Take note that this was told."""
        head, tail = self._sign(chunk.log) if chunk.start else (b"", b"")
        self.told[chunk.log] = chunk.start + len(chunk.data)
        head = (head + chunk.data)[:_SIGN_BYTES]
        self._signs[chunk.log] = head, (tail + chunk.data)[-_SIGN_BYTES:]

    def _sign(self, log: str) -> tuple[bytes, bytes]:
        return self._signs.get(log, (b"", b""))

    def _signs_at(self, file: BinaryIO, told: int) -> tuple[bytes, bytes]:
        """The signs that a log has now which was told so far."""
        length = min(told, _SIGN_BYTES)
        head = file.read(length)
        file.seek(told - length)
        return head, file.read(length)
