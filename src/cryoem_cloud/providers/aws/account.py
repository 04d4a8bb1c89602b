"""What this user knows of AWS accounts: written by `cryoem aws join`, one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.model.record import JSON, decode, encode, items, mapping, text, texts

__all__ = ["FIRST_STEPS", "Account", "accounts"]

FIRST_STEPS = (
    "ask your administrator for an AWS profile that may use the stack, set it up with: aws "
    "configure sso, then: export AWS_PROFILE=NAME; aws sso login; cryoem aws join --region REGION"
)
"""What somebody without credentials, or without an account, does."""
_FILE = "aws.json"
_SEVERAL = 2
"""The version of the file that has several accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A stack in a region, and what it made.

    `store` is the URL of the stack's store; `machine_policy` is the ARN of the policy of machines,
    which also bounds every machine role, where no `boundary` of the organisation's does; `image` a
    machine image's id ("": Ubuntu's newest 24.04); `agents` names the agent's archive in the store
    for each architecture, as `key@sha256`; `tags` are what the administrator wants on everything.
    `ssh` says whether jobs may open a port to their submitter.
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
    ssh: bool = False

    @classmethod
    def read(cls, config: Path, store: str = "") -> "Account":
        """The one whose machines reach a store, or else the one that was joined last.

        Raises:
            SettingsError: This user has not joined.
            FormatError: The file is not ours.
        """
        known = accounts(config)
        if not known:
            raise SettingsError("this computer knows no AWS account yet", hint=FIRST_STEPS)
        near = (each for each in known if each.store.rstrip("/") == store.rstrip("/"))
        return next(near, known[0])

    def write_to(self, config: Path) -> Path:
        """Into the folder of this user's settings, whole, as the one that was joined last."""
        here = (self.stack, self.region)
        others = [each for each in accounts(config) if (each.stack, each.region) != here]
        config.mkdir(parents=True, exist_ok=True)
        beside = config / f".{_FILE}.new"
        listed = [each.to_fields() for each in (self, *others)]
        beside.write_bytes(encode("aws", {"accounts": listed}, version=_SEVERAL))
        return beside.replace(config / _FILE)

    def to_json(self) -> bytes:
        """As a record of its own, which is what versions before several were known have written."""
        return encode("aws", self.to_fields())

    def to_fields(self) -> dict[str, JSON]:
        """As JSON."""
        return {
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
            "ssh": self.ssh,
        }

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """From a record of its own.

        Raises:
            FormatError: It is none.
        """
        return cls.from_fields(decode("aws", data))

    @classmethod
    def from_fields(cls, fields: Mapping[str, JSON]) -> Self:
        """From JSON.

        Raises:
            FormatError: It is none.
        """
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
            ssh=fields.get("ssh") is True,
        )


def _words(fields: Mapping[str, JSON]) -> dict[str, str]:
    return {name: text(fields, name) for name in fields}


def accounts(config: Path) -> tuple[Account, ...]:
    """All that this user has joined, a stack and region each, the last one first.

    Raises:
        FormatError: The file is not ours.
    """
    try:
        fields = decode("aws", (config / _FILE).read_bytes())
    except FileNotFoundError:
        return ()
    if "accounts" not in fields:
        return (Account.from_fields(fields),)
    return tuple(Account.from_fields(each) for each in items(fields, "accounts"))
