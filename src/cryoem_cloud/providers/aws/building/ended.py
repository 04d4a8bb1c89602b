"""What a builder says: what its script prints, and how it ended. It is not trusted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.model.units import plain

__all__ = ["Ended", "Printed"]

_LAST_LINES = 15
_LONGEST = 200
_VERSION_LENGTH = 32


@dataclass
class Printed:
    """The log, of which the builder sends the last MB now and then."""

    seen: str = ""

    def news(self, log: bytes | None) -> Iterator[str]:
        """Its lines that have not been told yet."""
        text = (log or b"").decode(errors="replace")
        whole = text[: text.rfind("\n") + 1]
        fresh = whole.removeprefix(self.seen)
        if whole:
            self.seen = whole
        yield from (_short(line) for line in fresh.splitlines())

    def last(self) -> str:
        """Its last lines."""
        return "\n".join(_short(line) for line in self.seen.splitlines()[-_LAST_LINES:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a builder's script ended: with a code (0: well), and why; which RELION it has."""

    code: int
    why: str
    relion: str
    last: str

    @classmethod
    def read(cls, result: bytes, last: str) -> Self:
        """From what the builder has written, and the last lines of its log."""
        lines = result.decode(errors="replace").splitlines()
        said = dict(line.partition("=")[::2] for line in lines)
        code = said.get("code", "")
        return cls(
            code=int(code) if code.isascii() and code.isdigit() else 255,
            why=_short(said.get("why", "")),
            relion=_short(said.get("relion", ""))[:_VERSION_LENGTH],
            last=last,
        )

    def require_well(self) -> None:
        """See that the script ended well.

        Raises:
            ProviderError: It did not; with its last lines and its exit code.
        """
        if self.code:
            raise ProviderError(
                f"{self.why or 'the builder failed'} (exit code {self.code}). Its last words:\n"
                f"{self.last}",
                hint="mend the script and call it again; nothing is left of this attempt",
            )


def _short(line: str) -> str:
    return plain(line)[:_LONGEST].rstrip()
