"""How a user is let in to machines: what they ask for, and the ssh that they are let in with."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from cryoem_cloud.courier.known.whole import write_whole
from cryoem_cloud.model.door import Door, public_key
from cryoem_cloud.model.errors import NotFoundError, UsageError
from cryoem_cloud.model.machine import Machine
from cryoem_cloud.providers.aws.account import Account

__all__ = ["door_asked", "door_options", "require_door", "ssh_words"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_CALLER = "caller"
"""What --allow-ssh means without an address."""
_KEYS = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")


def door_options(command: _Command) -> _Command:
    """Give a command the options by which a user asks to be let in; see door_asked."""
    key = click.option(
        "--ssh-key",
        "ssh_key",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The public key for that; default: yours in ~/.ssh.",
    )
    address = click.option(
        "--allow-ssh",
        "allow_ssh",
        is_flag=False,
        flag_value=_CALLER,
        metavar="[ADDRESS]",
        help="Open port 22 to your address alone (aws); without one AWS is asked which it is.",
    )
    return address(key(command))


def door_asked(allow_ssh: str | None, ssh_key: Path | None) -> Door | None:
    """The door that the options ask for; None: nobody is let in.

    Raises:
        UsageError: There is no such address, or no public key.
        ProviderUnreachableError: This computer's address is not known.
    """
    if allow_ssh is None:
        if ssh_key is not None:
            raise UsageError("--ssh-key is for --allow-ssh", hint="add --allow-ssh, or leave it")
        return None
    key = _key(ssh_key)
    if allow_ssh != _CALLER:
        return Door.made(allow_ssh, key)
    from cryoem_cloud.providers.aws.whereabouts import own_address  # noqa: PLC0415  (seldom wanted)

    door = Door.made(own_address(), key)
    click.echo(f"cryoem: port 22 of the machines will be open to {door.source} alone", err=True)
    return door


def require_door(door: Door | None, where: str, account: Callable[[], Account]) -> None:
    """See to it that such a door can be opened there.

    Raises:
        UsageError: It cannot.
    """
    if door is None:
        return
    if where != "aws":
        raise UsageError("--allow-ssh is for machines at AWS", hint="add --on aws")
    if not account().ssh:
        raise UsageError(
            f"the stack {account().stack} lets no job open a port",
            hint="the administrator calls cryoem aws setup --ssh and gives you its policy ssh; "
            "then: cryoem aws join",
        )


def ssh_words(
    machine: Machine, door: Door, host_keys: str, *, known: Path, more: Sequence[str]
) -> list[str]:
    """The ssh that enters a machine and knows it by its own keys alone, which go into a file.

    Raises:
        NotFoundError: The machine has no address, or has told no keys yet.
    """
    lines = [f"{machine.name} {key}" for key in map(public_key, host_keys.splitlines()) if key]
    if not lines or not machine.address:
        raise NotFoundError(
            f"{machine.name} has not said yet by which keys it is known",
            hint=f"machines need some minutes to come up: cryoem machines console {machine.name}",
        )
    write_whole(known, "".join(f"{line}\n" for line in lines).encode())
    options = (
        f"HostKeyAlias={machine.name}",
        f'UserKnownHostsFile="{known}"',
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
    )
    return [
        "ssh",
        *(word for option in options for word in ("-o", option)),
        *_identity(door),
        f"root@{machine.address}",
        *more,
    ]


def _key(named: Path | None) -> str:
    file = named or next(filter(Path.exists, _own_keys()), None)
    if file is None:
        raise UsageError(
            f"there is no public key of yours in {Path.home() / '.ssh'}",
            hint="ssh-keygen -t ed25519 makes one; or name one: --ssh-key FILE.pub",
        )
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    key = next(filter(None, map(public_key, lines)), "")
    if not key:
        raise UsageError(f"{file} is no public key", hint="public keys are in files named .pub")
    return key


def _own_keys() -> Iterator[Path]:
    return (Path.home() / ".ssh" / name for name in _KEYS)


def _identity(door: Door) -> tuple[str, ...]:
    """The key that fits, if it lies where ssh's keys lie; else ssh tries those that it knows."""
    for file in sorted((Path.home() / ".ssh").glob("*.pub")):
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        if any(public_key(line) == door.key for line in lines):
            private = file.with_suffix("")
            return ("-i", str(private if private.exists() else file))
    return ()
