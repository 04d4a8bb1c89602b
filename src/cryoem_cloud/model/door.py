"""A door: what lets the submitter of a job in to its machines by ssh."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from cryoem_cloud.model.errors import FormatError, UsageError
from cryoem_cloud.model.record import JSON, text

__all__ = ["Door", "public_key"]

_KEY = re.compile(
    r"((?:sk-)?(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521))(?:@openssh\.com)?)"
    r" +([A-Za-z0-9+/]+={0,2})(?: .*)?"
)


def public_key(line: str) -> str:
    """The public key in a line, without a comment or options; "" where there is none."""
    found = _KEY.fullmatch(line.strip())
    return f"{found[1]} {found[2]}" if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Port 22, open to one address, for who has the private half of one key.

    `source` is an IP address, `key` a public key: its type and itself, without a comment.
    """

    source: str
    key: str

    @classmethod
    def made(cls, source: str, key: str) -> Self:
        """Of what a user has given: an address, and a line of a file with a public key.

        Raises:
            UsageError: One is none; or nobody in particular has that address.
        """
        try:
            address = ip_address(source.strip())
        except ValueError:
            raise UsageError(
                f"{source!r} is no IP address",
                hint="--allow-ssh takes the next word for one, such as 203.0.113.7; without an "
                "address say it last, or put -- behind it",
            ) from None
        if _is_nobodys(address):
            raise UsageError(f"{address} is no address that a computer of yours has")
        plain = public_key(key)
        if not plain:
            raise UsageError(
                "that is no public key of ssh's", hint="ssh-keygen -t ed25519 makes one"
            )
        return cls(source=str(address), key=plain)

    @property
    def network(self) -> str:
        """The address alone, as a network."""
        return f"{self.source}/{ip_address(self.source).max_prefixlen}"

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is one of IPv6."""
        return ip_address(self.source).version == 6  # noqa: PLR2004

    def to_json(self) -> dict[str, JSON]:
        """As JSON."""
        return {"source": self.source, "key": self.key}

    @classmethod
    def from_json(cls, fields: Mapping[str, JSON]) -> Self:
        """From JSON.

        Raises:
            FormatError: It is no door.
        """
        try:
            return cls.made(text(fields, "source"), text(fields, "key"))
        except UsageError as error:
            raise FormatError(f"a door: {error.message}") from error


def _is_nobodys(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_unspecified
        or address.is_multicast
        or address.is_loopback
        or address.is_link_local
    )
