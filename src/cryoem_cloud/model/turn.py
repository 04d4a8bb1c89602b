"""Turns: the numbered log that decides who works on a task, and who has finished it.

A log is a sequence of turns numbered from 1. The store lets one writer have each number. The
holder of claim n finishes by writing n + 1; a taker-over writes n + 1 as a claim; so at most one of
them succeeds, and a machine that was believed dead can never complete a task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.record import JSON, decode, encode, integer, mapping, text
from cryoem_cloud.model.units import plain

__all__ = ["FEWEST_ENDED", "Deed", "Standing", "Turn", "exit_of", "may_follow", "standing"]


FEWEST_ENDED = 2
"""Turns of a task that has ended: a claim and an end. One that was taken over may have more."""


class Deed(Enum):
    """What a turn records."""

    CLAIM = "claim"
    RELEASED = "released"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One entry of a task's log. `nonce` names the attempt to write it, and no other."""

    number: int
    deed: Deed
    holder: str
    nonce: str
    detail: Mapping[str, JSON] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "turn",
            {
                "number": self.number,
                "deed": self.deed.value,
                "holder": self.holder,
                "nonce": self.nonce,
                "detail": dict(self.detail),
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is not a turn.
        """
        fields = decode("turn", data)
        try:
            deed = Deed(fields.get("deed"))
        except ValueError as error:
            raise FormatError(f"a turn with an unknown deed: {fields.get('deed')!r}") from error
        return cls(
            number=integer(fields, "number"),
            deed=deed,
            holder=text(fields, "holder"),
            nonce=text(fields, "nonce"),
            detail=mapping(fields, "detail"),
        )


class Standing(Enum):
    """How a task stands."""

    FREE = "free"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"


_AFTER: Mapping[Deed, Standing] = {
    Deed.CLAIM: Standing.HELD,
    Deed.RELEASED: Standing.FREE,
    Deed.DONE: Standing.DONE,
    Deed.FAILED: Standing.FAILED,
}


def standing(log: Sequence[Turn]) -> Standing:
    """How the task stands after these turns."""
    return _AFTER[log[-1].deed] if log else Standing.FREE


def may_follow(log: Sequence[Turn], turn: Turn) -> bool:
    """Whether `turn` is a lawful next entry, as far as the log alone can tell.

    Only the holder of the last claim may release, finish or fail; nothing follows an end. A claim
    may follow a claim: whether its holder is dead is the claimer's judgement.
    """
    if turn.number != len(log) + 1 or standing(log) in {Standing.DONE, Standing.FAILED}:
        return False
    if turn.deed is Deed.CLAIM:
        return True
    return bool(log) and log[-1].deed is Deed.CLAIM and log[-1].holder == turn.holder


def exit_of(turn: Turn) -> Exit:
    """How a task ended, from the turn that ended it; one that does not say was a failure."""
    word = text(turn.detail, "outcome", Outcome.FAILURE.value)
    known = {outcome.value: outcome for outcome in Outcome}
    return Exit(
        outcome=known.get(word, Outcome.FAILURE),
        code=integer(turn.detail, "code", 1),
        reason=plain(text(turn.detail, "reason", "")),
    )
