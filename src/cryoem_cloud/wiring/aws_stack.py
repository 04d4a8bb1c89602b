"""The account's side of AWS, as its commands work with it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.providers.aws.account import Account, accounts
from cryoem_cloud.providers.aws.archive import Python, build
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.prices import PRICE_LIST, on_demand_usd
from cryoem_cloud.providers.aws.stack import join, leftovers, setup, teardown
from cryoem_cloud.providers.aws.stack.checks import Check
from cryoem_cloud.providers.aws.stack.choices import DEFAULT_BUDGET_USD, DEFAULT_STACK, Choices
from cryoem_cloud.providers.aws.stack.doctor import Doctor
from cryoem_cloud.providers.aws.stack.leftovers import Leftovers
from cryoem_cloud.providers.aws.stack.region import region_for
from cryoem_cloud.providers.aws.stack.setup import Archive, Done
from cryoem_cloud.providers.aws.stack.template import template
from cryoem_cloud.providers.aws.stack.yaml import as_yaml
from cryoem_cloud.providers.aws.wheels import download
from cryoem_cloud.settings import environment

__all__ = [
    "DEFAULT_BUDGET_USD",
    "DEFAULT_STACK",
    "Archive",
    "Check",
    "Choices",
    "Done",
    "Leftovers",
    "announcement",
    "archives",
    "as_template",
    "checks",
    "completed",
    "found",
    "joined",
    "price_of",
    "region",
    "set_up",
    "torn_down",
]

_AS_EC2_SAYS = {"aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class _Packed:
    path: Path
    digest: str
    architecture: str


def region(chosen: str) -> str:
    """The region that is meant; see region_for."""
    return region_for(environment(), chosen)


@contextmanager
def archives(pythons: Sequence[Path]) -> Iterator[tuple[Archive, ...]]:
    """The agent, packed with each of these CPythons; the files are gone afterwards.

    Raises:
        ProviderError: One of them cannot be packed.
    """
    with TemporaryDirectory() as made:
        yield tuple(_packed(folder, Path(made)) for folder in pythons)


def completed(choices: Choices, packed: Sequence[Archive] = ()) -> Choices:
    """See setup.completed."""
    return setup.completed(_calls(choices.region), choices, packed)


def announcement(choices: Choices) -> tuple[str, ...]:
    """See setup.announcement."""
    calls = _calls(choices.region)
    kept, undone = setup.kept_buckets(calls, choices), setup.undone(calls, choices)
    kept_for = tables.store_prices("aws", choices.region).classes[StorageClass.STANDARD]
    return setup.announcement(choices, kept, undone, store_gb_month=kept_for.gb_month)


def as_template(choices: Choices) -> str:
    """What CloudFormation would be given, as YAML."""
    return as_yaml(template(choices))


def set_up(choices: Choices, packed: Sequence[Archive]) -> Done:
    """See setup.set_up."""
    return setup.set_up(_calls(choices.region), choices, packed, sleep=sleep)


def joined(region_: str, stack: str, config: Path) -> tuple[Account, Path]:
    """See join.join."""
    return join.join(_calls(region_), stack, config)


def found(region_: str, stack: str) -> Leftovers:
    """What there is of a stack."""
    return leftovers.find(_calls(region_), stack)


def torn_down(
    region_: str, stack: str, *, delete_data: str, say: Callable[[str], None]
) -> Leftovers:
    """See teardown.tear_down."""
    calls = _calls(region_)
    return teardown.tear_down(calls, stack, delete_data=delete_data, sleep=sleep, say=say)


def checks(config: Path, kinds: tuple[str, ...], region_: str = "") -> Iterator[Check]:
    """What `cryoem aws doctor` finds in the account that this user has joined last, or there.

    Raises:
        SettingsError: This user has joined none.
    """
    account = Account.read(config)
    if region_:
        near = (each for each in accounts(config) if each.region == region_)
        account = next(near, account)
        if account.region != region_:
            raise SettingsError(
                f"you have joined no stack in {region_}", hint=f"cryoem aws join --region {region_}"
            )
    prices = _calls(PRICE_LIST)
    doctor = Doctor(calls=_calls(account.region), prices=prices, account=account, kinds=kinds)
    yield from doctor.checks()


def price_of(kind: str, store: str, config: Path) -> Decimal | None:
    """US dollars for an hour of a machine on demand, where the machines of a store are.

    Raises:
        SettingsError: This user has joined no account.
        ProviderError: AWS does not say.
    """
    return on_demand_usd(_calls(PRICE_LIST), kind, Account.read(config, store).region)


def _calls(region_: str) -> Calls:
    return Calls(environment(), region_)


def _packed(folder: Path, into: Path) -> Archive:
    python = Python(folder)
    machine = python.architecture
    wheels = into / machine
    wheels.mkdir()
    target = into / f"agent-{machine}.tar.gz"
    got = download(python.version, machine, wheels)
    digest = build(folder, got, target, architecture=machine)
    return _Packed(target, digest, _AS_EC2_SAYS.get(machine, machine))
