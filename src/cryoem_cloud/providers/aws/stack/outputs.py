"""From what a stack says of itself to what a user's computer knows."""

import json
from collections.abc import Mapping

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.providers.aws.stack.choices import DEFAULT_BUDGET_USD, Choices

__all__ = ["account_of", "bucket_and_folder", "dropped", "further_policies", "user_policies"]


def account_of(stack: str, outputs: Mapping[str, str]) -> Account:
    """The account as the stack's outputs describe it.

    Raises:
        FormatError: They are not those of a stack of ours.
    """
    try:
        return Account(
            stack=stack,
            region=outputs["Region"],
            store=outputs["Store"],
            subnets=tuple(outputs["Subnets"].split(",")),
            security_group=outputs["SecurityGroup"],
            machine_policy=outputs["MachinePolicy"],
            boundary=outputs.get("Boundary", ""),
            image=outputs.get("Image", ""),
            agents=_table(outputs.get("Agents", "{}")),
            tags=_table(outputs.get("Tags", "{}")),
            ssh="SshPolicy" in outputs,
        )
    except (KeyError, ValueError, AttributeError) as error:
        raise FormatError(
            f"the stack {stack} is none of cryoem's, or of another version ({error})",
            hint="the administrator calls: cryoem aws setup",
        ) from error


def user_policies(outputs: Mapping[str, str]) -> tuple[str, ...]:
    """The ARNs of what a user needs."""
    return _named(outputs, "UserPolicy", "ReaderPolicy")


def further_policies(outputs: Mapping[str, str]) -> tuple[str, ...]:
    """The ARNs of what only some users need: shells through Session Manager, ssh."""
    return _named(outputs, "SessionPolicy", "SshPolicy")


def dropped(outputs: Mapping[str, str], choices: Choices) -> tuple[str, ...]:
    """The options that a stack was made with and that these choices lack: they are undone."""
    options = {
        "--sessions": bool(outputs.get("SessionPolicy")) and not choices.sessions,
        "--ssh": bool(outputs.get("SshPolicy")) and not choices.ssh,
        **_dropped_budget(outputs, choices),
        f"--image {outputs.get('Image')}": bool(outputs.get("Image")) and not choices.image,
        f"--boundary {outputs.get('Boundary')}": bool(outputs.get("Boundary"))
        and not choices.boundary,
    }
    tags = [
        f"--tag {name}={value}"
        for name, value in _table(outputs.get("Tags", "{}")).items()
        if name not in choices.tags
    ]
    return (*(option for option, lacks in options.items() if lacks), *tags)


def _dropped_budget(outputs: Mapping[str, str], choices: Choices) -> dict[str, bool]:
    """A budget that is no longer wanted, or whose sum is not said again."""
    email, amount = outputs.get("BudgetEmail", ""), outputs.get("BudgetUsd", "")
    kept = choices.budget_email and (choices.budget_usd != DEFAULT_BUDGET_USD)
    other = amount != f"{DEFAULT_BUDGET_USD}"
    return {
        f"--budget-email {email}": bool(email) and not choices.budget_email,
        f"--budget-usd {amount}": bool(email) and other and not kept,
    }


def bucket_and_folder(store: str) -> tuple[str, str]:
    """The bucket of a store, and the store's place in it."""
    bucket, _, folder = store.removeprefix("s3://").partition("/")
    return bucket, folder


def _named(outputs: Mapping[str, str], *names: str) -> tuple[str, ...]:
    return tuple(outputs[name] for name in names if name in outputs)


def _table(text: str) -> dict[str, str]:
    return {str(name): str(value) for name, value in json.loads(text).items()}
