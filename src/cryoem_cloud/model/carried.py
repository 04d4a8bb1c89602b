"""What a courier brought home of a job, as earlier versions recorded it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Self

from cryoem_cloud.model.charge import Charge, What, instant_text, said
from cryoem_cloud.model.record import decode, encode, instant, natural, text
from cryoem_cloud.model.storage_prices import GB
from cryoem_cloud.model.usd import price

__all__ = ["Carried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What one courier has brought home of one job, and what a GB (2**30 bytes) of it cost.

    Written by versions before askers counted what came (`model.usage`); read for ever.
    """

    job: int
    at: datetime
    size: int
    usd_per_gb: Decimal
    submitter: str = ""

    def to_bytes(self) -> bytes:
        """As it is stored."""
        return encode(
            "carried",
            {
                "job": self.job,
                "at": instant_text(self.at),
                "bytes": self.size,
                "usd_per_gb": f"{self.usd_per_gb:f}",
                "submitter": self.submitter,
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such record.
        """
        fields = decode("carried", data)
        return cls(
            job=natural(fields, "job"),
            at=instant(fields, "at"),
            size=natural(fields, "bytes"),
            usd_per_gb=price(text(fields, "usd_per_gb")),
            submitter=said(fields, "submitter"),
        )

    def charge(self, project: str) -> Charge:
        """What it cost."""
        gigabytes = Decimal(self.size) / GB
        return Charge(
            what=What.EGRESS,
            project=project,
            job=self.job,
            month=f"{self.at:%Y-%m}",
            usd=gigabytes * self.usd_per_gb,
            submitter=self.submitter,
            gigabytes=gigabytes,
            source="the store's list price",
        )
