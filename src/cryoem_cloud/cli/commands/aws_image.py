"""cryoem aws image."""

import getpass
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.errors import MissingInputError, UsageError
from cryoem_cloud.model.units import counted
from cryoem_cloud.model.usd import cents
from cryoem_cloud.wiring import aws_images as images
from cryoem_cloud.wiring import aws_stack as aws

__all__ = ["command"]

_stack = click.option("--stack", default=aws.DEFAULT_STACK, metavar="NAME", help="Which stack.")
_region = click.option("--region", default="", help="Which region; default: your profile's.")
_json = click.option("--json", "json_", is_flag=True, help="For programs.")
_BASES = ", ".join(images.BASES)


@click.group()
def command() -> None:
    """Machine images with programs in them: build, list, remove."""


@command.command("build", short_help="Build one from an install script (administrators).")
@click.argument("script")
@click.option("--name", default="", help="What it is called; default: as the script.")
@click.option("--base", default="", metavar="BASE", help=f"{_BASES}, or ami-…")
@click.option("--machine", "kind", default="", metavar="TYPE", help="To build it on.")
@click.option("--regions", default="", metavar="R1,R2", help="To copy it to, besides.")
@click.option("--disk", "disk_gib", type=click.IntRange(8, 16384), default=30, metavar="GIB")
@click.option("--max-hours", "hours", type=click.IntRange(1, 24), default=2, help="For the script.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="For the script.")
@_stack
@_region
@_json
def build(  # noqa: PLR0913  (one for each option)
    *,
    script: str,
    name: str,
    base: str,
    kind: str,
    regions: str,
    disk_gib: int,
    hours: int,
    variables: tuple[str, ...],
    stack: str,
    region: str,
    json_: bool,
) -> None:
    """Build a machine image: run SCRIPT as root on a machine for that, and keep its disk.

    SCRIPT is a file for bash, or one that `cryoem aws image scripts` lists. Needs an
    administrator's rights. The machine ends whatever happens.
    """
    shipped = images.SHIPPED.get(script)
    recipe = images.Recipe(
        name=name or (shipped.name if shipped else _name(script)),
        script=shipped.text if shipped else _read(script),
        base=base or (shipped.base if shipped else "ubuntu"),
        kind=kind or (shipped.kind if shipped else "m7i.large"),
        regions=tuple(filter(None, regions.split(","))),
        disk_gib=disk_gib,
        hours=hours,
        variables=_variables(variables),
    )
    account = images.account(aws.region(region), stack)
    plan = images.plan(account, recipe)
    for line in plan.announcement(account.region, images.snapshot_gb_month(account.region)):
        click.echo(line, err=True)
    owner = f"{getpass.getuser()}@{platform.node()}"
    made = images.build(account, plan, owner=owner, say=lambda line: click.echo(line, err=True))
    _tell(made, json_=json_)


@command.command("ls", short_help="List those that were built.")
@_stack
@_region
@_json
def ls(*, stack: str, region: str, json_: bool) -> None:
    """List the images that were built for a stack, copies in other regions included."""
    found = list(images.images(images.account(aws.region(region), stack)))
    if json_:
        click.echo(
            as_json(
                {"images": [each.to_json(images.snapshot_gb_month(each.region)) for each in found]}
            )
        )
        return
    if not found:
        click.echo("no image was built; cryoem aws image build builds one", err=True)
        return
    head = ["NAME", "REGION", "ID", "BASE", "MADE", "SIZE", "RELION", "STATE", "USD/MONTH"]
    rows = [
        [
            each.name,
            each.region,
            each.id,
            each.base,
            each.made[:16],
            f"{each.size_gib} GB",
            each.relion or "?",
            each.state,
            f"at most {cents(each.usd(images.snapshot_gb_month(each.region)))}",
        ]
        for each in found
    ]
    click.echo(table(head, rows))


@command.command("rm", short_help="Remove one (administrators).")
@click.argument("names", metavar="ID…", nargs=-1, required=True)
@_stack
@_region
def rm(*, names: tuple[str, ...], stack: str, region: str) -> None:
    """Remove images that were built, and their snapshots. Machines that run go on."""
    account = images.account(aws.region(region), stack)
    for name in names:
        gone = images.removed(account, name)
        what = counted(len(gone.snapshots), "snapshot")
        click.echo(f"cryoem: {gone.id} ({gone.name}, {gone.region}) and {what} removed", err=True)


@command.command("scripts", short_help="List the install scripts that come with us.")
@click.argument("name", default="")
def scripts(*, name: str) -> None:
    """List the install scripts that come with us, or print one, to change it."""
    if not name:
        rows = [[each.name, each.base, each.what] for each in images.SHIPPED.values()]
        click.echo(table(["SCRIPT", "BASE", "WHAT IT INSTALLS"], rows))
        return
    if name not in images.SHIPPED:
        raise UsageError(f"there is no script {name}", hint=f"known: {', '.join(images.SHIPPED)}")
    click.echo(images.SHIPPED[name].text, nl=False)


def _tell(made: images.Made, *, json_: bool) -> None:
    if json_:
        fields = {"name": made.name, "images": made.images, "relion": made.relion}
        click.echo(as_json({**fields, "seconds": round(made.seconds)}))
        return
    relion = f", RELION {made.relion}" if made.relion else ""
    click.echo(f"built    {made.name}{relion}: {made.usd} for the builder")
    for region, image in made.images.items():
        click.echo(f"image    {image} in {region}")
    first = next(iter(made.images.values()))
    for line in (
        f'for your jobs: image = "{made.name}" in settings.toml, or cryoem run --image {made.name}',
        f"for everybody's: cryoem aws setup --image {first}, and the options of the last setup;",
        "users then call cryoem aws join again",
    ):
        click.echo(line, err=True)


def _read(script: str) -> bytes:
    try:
        return Path(script).read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingInputError(
            f"there is no script {script}",
            hint=f"a file for bash, or one of {', '.join(images.SHIPPED)}",
        ) from error


def _name(script: str) -> str:
    """From the file's name, as far as that can be one."""
    stem = Path(script).stem.lower()
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in stem)[:40]


def _variables(words: Iterable[str]) -> Mapping[str, str]:
    pairs = [word.partition("=") for word in words]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise UsageError(f"--env {wrong[0]}: what value?", hint="--env NAME=VALUE")
    return {name: value for name, _, value in pairs}
