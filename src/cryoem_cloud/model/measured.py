"""What a finished job took on machines of one type: from such records later plans learn."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.record import JSON, decode, encode, integer, mapping, natural, text
from cryoem_cloud.model.units import plain
from cryoem_cloud.model.work import Program, Work

__all__ = ["HERE", "Measured"]

HERE = "local"
"""The name of the provider whose machine types are the names of users' own computers."""
_NOTHING = Work(program=Program.OTHER)
_MOST = 2**60
"""No number of a job's is beyond; sums and products of such are numbers yet."""
_MONTH_S = 30 * 24 * 3600
"""Longer than that no machine works on a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A job's `work` on machines of type `kind` took `ran_s` seconds of one machine.

    Where several shared it, that is the sum of theirs, and the work's items are those that they
    did. Only the programs' own time counts: no boot, no transfer, no joining of pieces. `where` is
    the provider's name; of a computer of its user's, `cores` says how many it has.
    """

    job: int
    kind: str
    where: str
    work: Work
    ran_s: int
    cores: int = 0

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "measured",
            {
                "job": self.job,
                "type": self.kind,
                "where": self.where,
                "cores": self.cores,
                "ran_s": self.ran_s,
                "work": _work_to_json(self.work),
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record, or of a program that we do not know.
        """
        said = decode("measured", data)
        found = cls(
            job=natural(said, "job"),
            kind=plain(text(said, "type")),
            where=plain(text(said, "where")),
            work=_work_from_json(mapping(said, "work")),
            ran_s=integer(said, "ran_s"),
            cores=natural(said, "cores", 0),
        )
        if not 0 < found.ran_s <= _MONTH_S:
            raise FormatError(f"a job that took {found.ran_s} s")
        return found


def _work_to_json(work: Work) -> dict[str, JSON]:
    """Numbers that are as they would be anyway are left out."""
    usual = asdict(_NOTHING)
    more = {name: value for name, value in asdict(work).items() if value != usual[name]}
    return {"program": work.program.value, **{n: v for n, v in more.items() if n != "program"}}


def _work_from_json(said: Mapping[str, JSON]) -> Work:
    """A number of a kind that we do not know is left out: who wrote it knew more of the work."""
    known = {name: type(value) for name, value in asdict(_NOTHING).items() if name != "program"}
    try:
        numbers = {name: known[name](value) for name, value in said.items() if name in known}
        program = Program(text(said, "program"))
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{said!r:.200} is no work") from error
    if odd := [name for name, number in numbers.items() if not 0 <= number <= _MOST]:
        raise FormatError(f"no work has such {', '.join(odd)}")
    return Work(program=program, **numbers)
