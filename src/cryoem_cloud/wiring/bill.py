"""What AWS bills for the stack that holds a project."""

from datetime import date
from pathlib import Path

from cryoem_cloud.model.billed import Billed
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.bill import COST_EXPLORER, REQUEST_USD, billed
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.names import tag_text
from cryoem_cloud.settings import environment

__all__ = ["REQUEST_USD", "account_of", "billed_at", "tag_text"]


def account_of(config: Path, store: str) -> Account:
    """The account whose stack has that store. Asks nobody.

    Raises:
        SettingsError: This user has joined no account.
        UsageError: The store is none of an account's that this user has joined.
    """
    account = Account.read(config, store)
    if account.store.rstrip("/") != store.rstrip("/"):
        raise UsageError(
            f"this project is in {store}, where no machines of an AWS account that you joined work",
            hint="cryoem aws join --region REGION, or look at the bill of who provides that store",
        )
    return account


def billed_at(account: Account, start: date, end: date) -> list[Billed]:
    """What AWS bills for the account's stack, all its projects.

    Raises:
        ProviderError: AWS does not say.
    """
    calls = Calls(environment(), account.region).elsewhere(COST_EXPLORER)
    return billed(calls, stack=account.stack, region=account.region, start=start, end=end)
