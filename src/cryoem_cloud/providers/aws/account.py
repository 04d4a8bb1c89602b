"""What this user knows of the AWS account: written by `cryoem aws join`, one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.model.record import JSON, decode, encode, mapping, text, texts

__all__ = ["FIRST_STEPS", "Account", "joined"]

FIRST_STEPS = (
    "ask your administrator for an AWS profile that may use the stack, set it up with: aws "
    "configure sso, then: export AWS_PROFILE=NAME; aws sso login; cryoem aws join --region REGION"
)
"""What somebody without credentials, or without an account, does."""
_FILE = "aws.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A stack in a region, and what it made.

    `store` is the URL of the stack's store; `machine_policy` is the ARN of the policy of machines,
    which also bounds every machine role, where no `boundary` of the organisation's does; `image` a
    machine image's id ("": Ubuntu's newest 24.04); `agents` names the agent's archive in the store
    for each architecture, as `key@sha256`; `tags` are what the administrator wants on everything.
    """

    stack: str
    region: str
    store: str
    subnets: tuple[str, ...]
    security_group: str
    machine_policy: str
    boundary: str = ""
    image: str = ""
    agents: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, config: Path) -> Self:
        """From the folder of this user's settings.

        Raises:
            SettingsError: This user has not joined.
            FormatError: The file is not ours.
        """
        try:
            data = (config / _FILE).read_bytes()
        except FileNotFoundError:
            raise SettingsError(
                "this computer knows no AWS account yet", hint=FIRST_STEPS
            ) from None
        return cls.from_json(data)

    def write_to(self, config: Path) -> Path:
        """Into the folder of this user's settings, whole; the file."""
        config.mkdir(parents=True, exist_ok=True)
        beside = config / f".{_FILE}.new"
        beside.write_bytes(self.to_json())
        return beside.replace(config / _FILE)

    def to_json(self) -> bytes:
        """As a record."""
        return encode(
            "aws",
            {
                "stack": self.stack,
                "region": self.region,
                "store": self.store,
                "subnets": list(self.subnets),
                "security_group": self.security_group,
                "machine_policy": self.machine_policy,
                "boundary": self.boundary,
                "image": self.image,
                "agents": dict(self.agents),
                "tags": dict(self.tags),
            },
        )

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """From a record.

        Raises:
            FormatError: It is none.
        """
        fields = decode("aws", data)
        return cls(
            stack=text(fields, "stack"),
            region=text(fields, "region"),
            store=text(fields, "store"),
            subnets=texts(fields, "subnets"),
            security_group=text(fields, "security_group"),
            machine_policy=text(fields, "machine_policy"),
            boundary=text(fields, "boundary", ""),
            image=text(fields, "image", ""),
            agents=_words(mapping(fields, "agents")),
            tags=_words(mapping(fields, "tags")),
        )


def _words(fields: Mapping[str, JSON]) -> dict[str, str]:
    return {name: text(fields, name) for name in fields}


def joined(config: Path) -> bool:
    """Whether this user knows an account."""
    return (config / _FILE).exists()
