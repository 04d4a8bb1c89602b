"""`cryoem aws setup`: what the administrator makes, once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from cryoem_cloud.model.errors import ProviderError, RefusedError, UsageError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import STACK
from cryoem_cloud.providers.aws.stack.choices import Choices
from cryoem_cloud.providers.aws.stack.formation import Formation
from cryoem_cloud.providers.aws.stack.leftovers import buckets_of
from cryoem_cloud.providers.aws.stack.outputs import (
    account_of,
    bucket_and_folder,
    dropped,
    further_policies,
    user_policies,
)
from cryoem_cloud.providers.aws.stack.template import tags_of_stack, template

__all__ = ["Archive", "Done", "announcement", "completed", "kept_buckets", "set_up", "undone"]

SERVICES = ("autoscaling.amazonaws.com", "spot.amazonaws.com")
"""AWS's own services that act in the account by a role of theirs."""
_EXISTS = ("EntityAlreadyExists", "EntityAlreadyExistsException")
_MISSING = ("404", "NoSuchKey", "NotFound")


class Archive(Protocol):
    """The agent, packed for machines of one architecture."""

    @property
    def path(self) -> Path:
        """Where it lies here."""
        ...

    @property
    def digest(self) -> str:
        """Its SHA-256."""
        ...

    @property
    def architecture(self) -> str:
        """`x86_64` or `arm64`."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """What setup has made: `further` are policies that only some users need, for shells.

    `bill` is the policy of who may compare the ledger with the account's bill.
    """

    account: Account
    policies: tuple[str, ...]
    further: tuple[str, ...] = ()
    bill: str = ""


def completed(
    calls: Calls, choices: Choices, archives: Sequence[Archive] = (), *, image: str = ""
) -> Choices:
    """The choices with what AWS, and the archives, add to them.

    Raises:
        UsageError: The network or the bucket that was chosen is not there, or not in this region.
        ProviderError: AWS does not say.
    """
    agents = {each.architecture: f"{_key(each)}@{each.digest}" for each in archives}
    choices = replace(choices, agents=agents, image=image or choices.image)
    if choices.bucket:
        _check_bucket(calls, choices)
    if choices.subnets:
        _check_subnets(calls, choices)
        return choices
    return replace(choices, zones=_zones(calls))


def kept_buckets(calls: Calls, choices: Choices) -> tuple[str, ...]:
    """The buckets of earlier stacks of this name, where a new one is going to be made."""
    if choices.bucket or Formation(calls, choices.stack, lambda _: None).look().status:
        return ()
    return tuple(buckets_of(calls, choices.stack))


def undone(calls: Calls, choices: Choices) -> tuple[str, ...]:
    """The options of the last setup that this one would undo."""
    return dropped(Formation(calls, choices.stack, lambda _: None).look().outputs, choices)


def announcement(
    choices: Choices,
    kept: Sequence[str] = (),
    undone: Sequence[str] = (),
    *,
    store_gb_month: Decimal,
) -> tuple[str, ...]:
    """What setup is going to make, and what that costs while nothing runs.

    `kept` are buckets of earlier stacks, which it could take on; `undone` options of the last setup
    that this one lacks. `store_gb_month` is what a GB in the store costs a month.
    """
    network = (
        f"in the network {choices.vpc}"
        if choices.vpc
        else f"a network with a public subnet in each of {len(choices.zones)} zones"
    )
    store = f"s3://{choices.bucket}/" if choices.bucket else "a private, encrypted bucket"
    rights = "policies for machines and users"
    rights += (" and sessions" if choices.sessions else "") + (" and ssh" if choices.ssh else "")
    return (
        f"Stack {choices.stack} in {choices.region}:",
        f"  {network}; a security group that lets nobody in, and out by HTTPS alone",
        f"  {store} for the store, with its files below {choices.folder}/",
        f"  {rights}; no user, no key, no machine",
        *_about_budget(choices),
        f"While nothing runs it costs what the store holds (Standard, {store_gb_month:f} USD a GB",
        "and month; requests are fractions of a cent), and nothing else.",
        *(f"An earlier store is in the bucket {name}; to go on with it: --bucket" for name in kept),
        *(
            f"This undoes {option}, which the last setup had; to keep it, say it"
            for option in undone
        ),
    )


def _about_budget(choices: Choices) -> tuple[str, ...]:
    if not choices.budget_email:
        return ()
    return (
        f"  a budget at AWS of {choices.budget_usd} USD a month, which writes to",
        f"  {choices.budget_email} at 80 % and at 100 %; AWS counts what is tagged, once the tag",
        f"  {STACK} is activated for bills: aws ce update-cost-allocation-tags-status",
        f"  --cost-allocation-tags-status TagKey={STACK},Status=Active",
    )


def set_up(
    calls: Calls,
    choices: Choices,
    archives: Sequence[Archive],
    *,
    sleep: Callable[[float], None],
) -> Done:
    """See to it that the stack is there, as chosen, with the agent for its machines.

    May be interrupted anywhere and called again.

    Raises:
        ProviderError: AWS could not make it.
        RefusedError: It is there, with another store.
    """
    for service in SERVICES:
        _role_of(calls, service)
    formation = Formation(calls, choices.stack, sleep)
    _check_store(formation.look().outputs, choices)
    outputs = formation.settle(template(choices), tags_of_stack(choices)).outputs
    account = account_of(choices.stack, outputs)
    for archive in archives:
        _upload(calls, account.store, archive)
    policies, further = user_policies(outputs), further_policies(outputs)
    return Done(account, policies, further, bill=outputs.get("BillPolicy", ""))


def _zones(calls: Calls) -> tuple[str, ...]:
    found = calls.ask(
        "ec2",
        "describe_availability_zones",
        Filters=[
            {"Name": "zone-type", "Values": ["availability-zone"]},
            {"Name": "state", "Values": ["available"]},
        ],
    )
    return tuple(sorted(str(each["ZoneName"]) for each in found["AvailabilityZones"]))


def _check_subnets(calls: Calls, choices: Choices) -> None:
    try:
        found = calls.ask(
            "ec2",
            "describe_subnets",
            expected=("InvalidSubnetID.NotFound",),
            SubnetIds=list(choices.subnets),
        )["Subnets"]
    except Refused as refused:
        raise UsageError(
            f"{calls.region}: {refused.said}", hint="aws ec2 describe-subnets lists them"
        ) from refused
    if elsewhere := sorted(e["SubnetId"] for e in found if e["VpcId"] != choices.vpc):
        raise UsageError(f"{elsewhere[0]} is not in {choices.vpc}")


def _check_bucket(calls: Calls, choices: Choices) -> None:
    try:
        found = calls.ask(
            "s3",
            "get_bucket_location",
            expected=("NoSuchBucket", "404"),
            Bucket=choices.bucket,
        )
    except Refused as refused:
        raise UsageError(
            f"there is no bucket {choices.bucket}", hint="leave it out: setup makes one"
        ) from refused
    region = found.get("LocationConstraint") or "us-east-1"
    if {"EU": "eu-west-1"}.get(region, region) != choices.region:
        raise UsageError(
            f"the bucket {choices.bucket} is in {region}, the stack in {choices.region}",
            hint="both must be in one region: what crosses regions is charged",
        )


def _check_store(outputs: Mapping[str, str], choices: Choices) -> None:
    """See that the store stays where it is."""
    if "Store" not in outputs:
        return
    bucket, folder = bucket_and_folder(outputs["Store"])
    if folder != choices.folder or choices.bucket not in {"", bucket}:
        raise RefusedError(
            f"the store of {choices.stack} is {outputs['Store']}, and files of its users are there",
            hint="call setup as it was called first, or make another stack (--stack NAME)",
        )


def _role_of(calls: Calls, service: str) -> None:
    try:
        calls.ask(
            "iam",
            "create_service_linked_role",
            expected=("InvalidInput", "InvalidInputException", *_EXISTS),
            AWSServiceName=service,
        )
    except Refused as refused:
        if "taken" not in refused.said and "exist" not in refused.said:
            raise ProviderError(f"the role of {service}: {refused.said}") from refused


def _key(archive: Archive) -> str:
    """The archive's key in the store."""
    return f"@agent/{archive.digest}.tar.gz"


def _upload(calls: Calls, store: str, archive: Archive) -> None:
    bucket, folder = bucket_and_folder(store)
    key = f"{folder}/{_key(archive)}"
    try:
        calls.ask("s3", "head_object", expected=_MISSING, Bucket=bucket, Key=key)
    except Refused:
        with archive.path.open("rb") as body:
            calls.ask("s3", "put_object", Body=body, Bucket=bucket, Key=key)
