"""`cryoem aws join`: what each user's computer learns of the stack."""

from pathlib import Path

from cryoem_cloud.model.errors import NotFoundError, ProviderError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.stack.formation import Formation
from cryoem_cloud.providers.aws.stack.outputs import account_of, bucket_and_folder

__all__ = ["join", "reach_store", "the_account"]

_NO_BUCKET = ("NoSuchBucket", "404", "PermanentRedirect", "301")


def the_account(calls: Calls, stack: str) -> Account:
    """What the stack says of itself.

    Raises:
        NotFoundError: There is no such stack in the region, or it is not whole.
        ProviderError: AWS does not say.
    """
    state = Formation(calls, stack, lambda _: None).look()
    if not state.outputs:
        what = f"is not whole yet ({state.status})" if state.status else "is not there"
        raise NotFoundError(
            f"the stack {stack} {what} in {calls.region}",
            hint="the words of your administrator name region and stack: cryoem aws join "
            "--region REGION --stack STACK",
        )
    return account_of(stack, state.outputs)


def join(calls: Calls, stack: str, config: Path) -> tuple[Account, Path]:
    """Look the stack up and keep what it says; also the file in which it is kept.

    Raises:
        NotFoundError: There is no such stack.
        ProviderError: Its store cannot be reached, or has no agent.
    """
    account = the_account(calls, stack)
    reach_store(calls, account)
    return account, account.write_to(config)


def reach_store(calls: Calls, account: Account) -> None:
    """See that the store can be listed, and has the agent.

    Raises:
        ProviderError: It cannot, or has not.
    """
    bucket, folder = bucket_and_folder(account.store)
    try:
        calls.ask(
            "s3",
            "list_objects_v2",
            expected=_NO_BUCKET,
            Bucket=bucket,
            Prefix=f"{folder}/",
            MaxKeys=1,
        )
        for agent in account.agents.values():
            key = agent.rpartition("@")[0]
            calls.ask(
                "s3",
                "head_object",
                expected=("404", "NoSuchKey"),
                Bucket=bucket,
                Key=f"{folder}/{key}",
            )
    except Refused as refused:
        missing = "the bucket is not there" if refused.code in _NO_BUCKET[:1] else refused.said
        raise ProviderError(
            f"{account.store}: it lacks what machines need ({missing})",
            hint="the administrator calls cryoem aws setup once more: it was interrupted",
        ) from refused
