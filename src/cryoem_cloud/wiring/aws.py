"""The AWS provider, as the courier works with it."""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryoem_cloud.model.errors import ProviderError, SettingsError
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.providers.aws.userdata import Boot, user_data
from cryoem_cloud.settings import Settings, environment
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["aws_provider"]


def aws_provider(config: Path, settings: Settings, store: str = "") -> AwsProvider:
    """The provider for the account that this user has joined; one a process, account and set-up.

    Of several, the one whose machines reach the store, or else the one that was joined last.

    Raises:
        SettingsError: This user has not joined one.
    """
    return _provider(Account.read(config, store).to_json(), settings.set_up)


@cache
def _provider(account: bytes, set_up: str) -> AwsProvider:
    known = Account.from_json(account)
    return AwsProvider(
        account=known,
        calls=Calls(environment(), known.region),
        clock=SystemClock(),
        user_data=lambda account, order, architecture: _told(account, order, architecture, set_up),
    )


def _told(account: Account, order: Order, architecture: str, set_up: str) -> str:
    """What a machine of an order does first.

    Raises:
        ProviderError: The job is in another store than the account's machines reach.
        SettingsError: The stack has no agent for such machines.
    """
    if order.store.rstrip("/") != account.store.rstrip("/"):
        raise ProviderError(
            f"machines at AWS reach {account.store} alone, and this project is in {order.store}",
            hint=f"cryoem project fork --store {account.store}",
        )
    if architecture not in account.agents:
        raise SettingsError(
            f"the stack has no agent for machines with {architecture} processors",
            hint="choose another machine type, or: cryoem aws setup, then cryoem aws join",
        )
    return user_data(
        Boot(
            store=account.store,
            region=account.region,
            project=order.project,
            job=order.job,
            group=order.token,
            agent=account.agents[architecture],
            limit_s=order.limit_s,
            until=datetime.now(UTC) + timedelta(seconds=order.limit_s),
            install=set_up,
            ssh_key=order.door.key if order.door else "",
        )
    )
