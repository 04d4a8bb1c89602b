"""What the administrator chose for a stack."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryoem_cloud.model.errors import UsageError

__all__ = ["DEFAULT_BUDGET_USD", "DEFAULT_STACK", "Choices", "require_name"]

DEFAULT_STACK = "cryoem"
DEFAULT_BUDGET_USD = 500
_STACK = re.compile(r"[a-z][a-z0-9-]{0,19}")
_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9._=-]+(/[A-Za-z0-9._=-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """A stack in a region. What is empty, the stack makes, or does without.

    `zones` are the Availability Zones of the region, each of which gets a subnet; `vpc`, `subnets`
    and `bucket` are the account's own, to be used instead; `key` is the ARN of the KMS key of the
    bucket; `boundary` the ARN of the permissions boundary that the organisation demands of each
    role, `tags` what it demands on everything. `agents` names the agent's archive of each
    architecture, as Account does. `sessions` lets users open shells on machines through Session
    Manager, `ssh` lets those who may open port 22 of their jobs' machines to themselves. AWS writes
    to `budget_email` when the stack's things cost nearly `budget_usd` dollars a month, and more.
    """

    stack: str = DEFAULT_STACK
    region: str
    zones: tuple[str, ...] = ()
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    bucket: str = ""
    prefix: str = ""
    key: str = ""
    boundary: str = ""
    image: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=dict)
    sessions: bool = False
    ssh: bool = False
    budget_email: str = ""
    budget_usd: int = DEFAULT_BUDGET_USD

    def __post_init__(self) -> None:
        """See that they go together.

        Raises:
            UsageError: They do not.
        """
        require_name(self.stack)
        if self.prefix and not _PREFIX.fullmatch(self.prefix):
            raise UsageError(
                f"{self.prefix!r} cannot be a store's place in a bucket", hint="for example cryoem"
            )
        if self.budget_email and not _ADDRESS.fullmatch(self.budget_email):
            raise UsageError(
                f"{self.budget_email!r} is no address of e-mail", hint="--budget-email a@b.org"
            )
        if bool(self.vpc) != bool(self.subnets):
            raise UsageError(
                "a network of your own is a VPC and at least one of its subnets",
                hint="--vpc vpc-… --subnet subnet-… --subnet subnet-…",
            )
        for what, arn, kind in (("key", self.key, ":key/"), ("boundary", self.boundary, ":policy")):
            if arn and not (arn.startswith("arn:") and kind in arn):
                raise UsageError(f"--{what} {arn}: that is no ARN of one", hint="arn:aws:…")

    @property
    def folder(self) -> str:
        """The store's place in the bucket."""
        return self.prefix or self.stack


def require_name(stack: str) -> None:
    """See that it can be a stack's name.

    Raises:
        UsageError: It cannot.
    """
    if not _STACK.fullmatch(stack):
        raise UsageError(
            f"{stack!r} cannot be a stack's name",
            hint="a letter, then up to 19 small letters, digits and -",
        )
