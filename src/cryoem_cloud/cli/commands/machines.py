"""cryoem machines."""

import os
import shutil

import click

from cryoem_cloud.cli.finding import places
from cryoem_cloud.cli.fleets import Found, all_machines, is_known
from cryoem_cloud.cli.showing import as_json, table
from cryoem_cloud.model.errors import NotFoundError, RefusedError
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.providers.aws.account import Account

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
        _provider_of(name).dismiss(name)
        click.echo(f"cryoem: {name} ends", err=True)


@command.command("console")
@click.argument("name", metavar="ID")
def console(*, name: str) -> None:
    """Print what a machine said as it came up."""
    said = _provider_of(name).console(name)
    if not said:
        click.echo(f"cryoem: nothing is known yet of what {name} said", err=True)
    click.echo(said, nl=not said.endswith("\n"))


@command.command("ssh")
@click.argument("name", metavar="ID")
def ssh(*, name: str) -> None:
    """Open a shell on a machine of AWS's, through Session Manager; no port is open for that.

    Needs the AWS command line with its Session Manager plugin, and a stack set up with --sessions.
    """
    provider = _provider_of(name)
    if provider.name != "aws":
        raise RefusedError(f"{name} is a process of this computer", hint="cryoem machines console")
    tool = shutil.which("aws")
    if tool is None:
        raise RefusedError(
            "there is no AWS command line on this computer",
            hint="install awscli and its session-manager-plugin",
        )
    region = Account.read(places().config).region
    os.execv(tool, ["aws", "ssm", "start-session", "--target", name, "--region", region])  # noqa: S606


def _providers() -> tuple[Provider, ...]:
    from cryoem_cloud.wiring.background import providers_of  # noqa: PLC0415  (heavy)

    return providers_of(places())


def _provider_of(name: str) -> Provider:
    """Where the machine is.

    Raises:
        NotFoundError: No provider knows it.
    """
    for provider in _providers():
        if is_known(provider, name):
            return provider
    raise NotFoundError(f"there is no machine {name}", hint="cryoem machines ls --all")


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
