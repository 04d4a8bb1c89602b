"""What a plan has decided for one job: recorded, so that whoever goes on with it does the same."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.model.record import JSON, decode, encode, integer, items, text, texts
from cryoem_cloud.model.usd import usd

__all__ = ["Chosen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The machines of a job.

    `offers` are in the order in which they are tried, all of one shape, `count` is how many
    machines there are at most, `paid_s` how long each is paid for, and `usd_p90` what all cost as
    first offered, at P90. `work_s` is what all the work would take one of them, at P10 (0: not
    known). `said` is the plan's short form: lines for the job's log.
    """

    offers: tuple[Offer, ...]
    count: int
    paid_s: int
    usd_p90: Decimal
    said: tuple[str, ...]
    work_s: int = 0

    @property
    def text(self) -> str:
        """The short form, a line each."""
        return "".join(f"{line}\n" for line in self.said)

    def to_bytes(self) -> bytes:
        """As it is stored."""
        fields: dict[str, JSON] = {
            "offers": [offer.to_json() for offer in self.offers],
            "count": self.count,
            "paid_s": self.paid_s,
            "usd_p90": str(self.usd_p90),
            "said": list(self.said),
            **({"work_s": self.work_s} if self.work_s else {}),
        }
        return encode("plan", fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record.
        """
        fields = decode("plan", data)
        found = cls(
            offers=tuple(_offer(each) for each in items(fields, "offers")),
            count=integer(fields, "count"),
            paid_s=integer(fields, "paid_s"),
            usd_p90=usd(text(fields, "usd_p90")),
            said=texts(fields, "said"),
            work_s=integer(fields, "work_s", 0),
        )
        if not found.offers or found.count < 1 or found.paid_s < 1:
            raise FormatError(f"a plan that offers no machine: {data[:60]!r}")
        return found


def _offer(fields: JSON) -> Offer:
    if not isinstance(fields, dict):
        raise FormatError(f"an offer should be an object, found {fields!r:.80}")
    return Offer.from_json(fields)
