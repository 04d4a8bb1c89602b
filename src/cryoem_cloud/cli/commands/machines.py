"""cryoem machines."""

import os
import shutil

import click

from cryoem_cloud.cli.jobs.entering import ssh_words
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.fleets import Found, all_machines
from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.model.units import plain
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.wiring.stores import store_at

__all__ = ["command"]


@click.group()
def command() -> None:
    """List machines, end one, or print what one said as it came up."""


@command.command("ls")
@click.option("--all", "all_", is_flag=True, help="Those that have ended too, as far as is known.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def ls(*, all_: bool, json_: bool) -> None:
    """List the machines of this computer and of the account that you joined, whoever's they are."""
    found = [each for each in all_machines(_providers()) if all_ or each.lives]
    if json_:
        click.echo(as_json({"machines": [each.to_json() for each in found]}))
    elif found:
        click.echo(_table(found))
    else:
        click.echo("no machines", err=True)


@command.command("kill")
@click.argument("names", metavar="ID…", nargs=-1, required=True)
def kill(*, names: tuple[str, ...]) -> None:
    """End machines at once; what they worked on goes on elsewhere, if its job is open."""
    for name in names:
        provider, found = _found(name)
        provider.dismiss(name)
        click.echo(f"cryoem: {name} ends{_after(found)}", err=True)


@command.command("console")
@click.argument("name", metavar="ID")
def console(*, name: str) -> None:
    """Print what a machine said as it came up."""
    said = plain(_provider_of(name).console(name))
    if not said:
        click.echo(f"cryoem: nothing is known yet of what {name} said", err=True)
    click.echo(said, nl=not said.endswith("\n"))


@command.command("ssh", context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="ID")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[-- WORDS…]")
def ssh(*, name: str, words: tuple[str, ...]) -> None:
    """Open a shell on a machine of AWS's; ID is a machine's, or a job's number.

    Where the job was submitted with --allow-ssh, ssh itself is used, as root, and knows the machine
    by the keys that it has put into the store; WORDS are for ssh, such as -L 5901:localhost:5901
    or a command. Else it is done through Session Manager, for which no port is open; that needs the
    AWS command line with its Session Manager plugin, and a stack set up with --sessions.
    """
    provider, found = _living_of(int(name)) if name.isdecimal() else _found(name)
    if provider.name != "aws":
        raise RefusedError(
            f"{found.machine.name} is a process of this computer", hint="cryoem machines console"
        )
    records = JobRecords(store_at(provider.store), found.project, found.job)
    door = records.job().wish.door
    if door is not None:
        keys = records.host_keys(found.machine.name)
        known = places().state / "ssh" / found.machine.name
        command = ssh_words(found.machine, door, keys, known=known, more=words)
    else:
        region = Account.read(places().config, provider.store).region
        command = ["aws", "ssm", "start-session"]
        command += ["--target", found.machine.name, "--region", region]
    tool = shutil.which(command[0])
    if tool is None:
        raise RefusedError(
            f"there is no {command[0]} on this computer",
            hint="install openssh-client" if door else "install awscli, session-manager-plugin",
        )
    os.execv(tool, command)  # noqa: S606


def _providers() -> tuple[Provider, ...]:
    from cryoem_cloud.wiring.background import providers_of  # noqa: PLC0415  (heavy)

    return providers_of(places())


def _after(found: Found) -> str:
    """What follows where a machine is ended that a job still needs."""
    if not found.lives or not found.job:
        return ""
    number = found.job
    return f"; if job {number} is open, another takes over: cryoem stop {number} ends the job"


def _provider_of(name: str) -> Provider:
    return _found(name)[0]


def _found(name: str) -> tuple[Provider, Found]:
    """A machine, and where it is.

    Raises:
        NotFoundError: No provider knows it.
    """
    for provider in _providers():
        for found in all_machines((provider,)):
            if found.machine.name == name:
                return provider, found
    raise NotFoundError(f"there is no machine {name}", hint="cryoem machines ls --all")


def _living_of(number: int) -> tuple[Provider, Found]:
    """The machine of a job that is up, or comes up.

    Raises:
        NotFoundError: There is none.
    """
    card = find(number)
    for provider in _providers():
        for found in all_machines((provider,)):
            if found.lives and (found.project, found.job) == (card.project, card.number):
                return provider, found
    raise NotFoundError(
        f"job {number} has no machine now", hint=f"cryoem why {number} says what it waits for"
    )


def _table(found: list[Found]) -> str:
    head = ["MACHINE", "WHERE", "TYPE", "STATE", "SINCE", "PROJECT", "JOB"]
    rows = [
        [
            each.machine.name,
            each.where,
            " ".join(filter(None, (each.machine.kind, each.machine.market))),
            each.machine.state.value,
            each.machine.since,
            each.project,
            str(each.job),
        ]
        for each in found
    ]
    return table(head, rows)
