"""cryoem aws."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import click

from cryoem_cloud.cli.checking.doctoring import shown
from cryoem_cloud.cli.commands import aws_image
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.units import counted
from cryoem_cloud.wiring import aws_stack as aws

__all__ = ["command"]

_KINDS = ("c7i.8xlarge", "g6.12xlarge")
"""What most jobs get: planner/static."""
_stack = click.option("--stack", default=aws.DEFAULT_STACK, metavar="NAME", help="Which stack.")
_region = click.option("--region", default="", help="Which region; default: your profile's.")
_json = click.option("--json", "json_", is_flag=True, help="For programs.")


@click.group()
def command() -> None:
    """Machines of your own AWS account: set it up, join, look, remove."""


@command.command(short_help="Make what machines need, once (administrators).")
@_stack
@_region
@click.option("--vpc", default="", metavar="VPC", help="A network of yours, with --subnet.")
@click.option("--subnet", "subnets", multiple=True, metavar="SUBNET", help="One of its subnets.")
@click.option("--bucket", default="", help="A bucket of yours for the store.")
@click.option("--prefix", default="", metavar="FOLDER", help="The store's place in the bucket.")
@click.option("--key", default="", metavar="ARN", help="The KMS key of the bucket.")
@click.option("--boundary", default="", metavar="ARN", help="The boundary that roles must have.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag on everything.")
@click.option("--image", default="", metavar="AMI", help="Machines' image; default: Ubuntu 24.04.")
@click.option("--sessions", is_flag=True, help="Let users open shells through Session Manager.")
@click.option("--ssh", is_flag=True, help="Let users open port 22 of machines to themselves.")
@click.option("--budget-email", default="", metavar="ADDRESS", help="Where AWS warns of costs.")
@click.option(
    "--budget-usd",
    type=click.IntRange(min=1),
    default=aws.DEFAULT_BUDGET_USD,
    metavar="N",
    help="US dollars a month of which it warns, with --budget-email; default: 500.",
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with a CPython for machines; default: the one that runs this.",
)
@click.option("--dry-run", is_flag=True, help="Print CloudFormation's template, and make nothing.")
@_json
def setup(  # noqa: PLR0913  (one for each option)
    *,
    stack: str,
    region: str,
    vpc: str,
    subnets: tuple[str, ...],
    bucket: str,
    prefix: str,
    key: str,
    boundary: str,
    tags: tuple[str, ...],
    image: str,
    sessions: bool,
    ssh: bool,
    budget_email: str,
    budget_usd: int,
    pythons: tuple[Path, ...],
    dry_run: bool,
    json_: bool,
) -> None:
    """Make what machines need in your AWS account: a network, a store, and rights.

    Needs an administrator's rights, once. May be called again at any time: with other options it
    changes the stack, after an interruption it goes on, else it changes nothing but the agent.
    """
    choices = aws.Choices(
        stack=stack,
        region=aws.region(region),
        vpc=vpc,
        subnets=subnets,
        bucket=bucket,
        prefix=prefix,
        key=key,
        boundary=boundary,
        image=image,
        tags=_tags(tags),
        sessions=sessions,
        ssh=ssh,
        budget_email=budget_email,
        budget_usd=budget_usd,
    )
    if dry_run:
        click.echo(aws.as_template(aws.completed(choices)), nl=False)
        click.echo("setup itself adds the agent for machines to this", err=True)
        return
    _make(choices, pythons or (Path(sys.base_prefix),), json_=json_)


@command.command(short_help="Let this user's jobs run on the account's machines.")
@_stack
@_region
@_json
def join(*, stack: str, region: str, json_: bool) -> None:
    """Look up what the administrator has set up, and keep it on this computer.

    Needs AWS credentials of yours that have the stack's policies; no rights in IAM.
    """
    account, file = aws.joined(aws.region(region), stack, places().config)
    if json_:
        click.echo(as_json({"file": str(file), **asdict(account)}))
        return
    click.echo(f"joined   {account.stack} in {account.region}\nstore    {account.store}")
    click.echo(
        f'for new projects: store = "{account.store}" in your settings; for one that is there: '
        f"cryoem project fork --store {account.store}\n"
        "then: cryoem aws doctor; cryoem run --on aws -- …",
        err=True,
    )


@command.command(short_help="Remove everything that setup and jobs have made.")
@_stack
@_region
@click.option("--delete-data", default="", metavar="BUCKET", help="And all files in the store.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def teardown(*, stack: str, region: str, delete_data: str, yes: bool, json_: bool) -> int:
    """Remove everything of a stack: machines, groups, roles, network, policies.

    The store's bucket stays with all files unless you name it. Exit code 1 if anything else is
    left.
    """
    where = aws.region(region)
    there = aws.found(where, stack)
    click.echo(f"{stack} in {where}: {_list(there.counted())}", err=True)
    if delete_data:
        click.echo(f"all files in the store, in the bucket {delete_data}", err=True)
    if not yes:
        click.confirm("Remove that?", abort=True, err=True)
    left = aws.torn_down(
        where, stack, delete_data=delete_data, say=lambda line: click.echo(f"  {line}", err=True)
    )
    if json_:
        click.echo(as_json({"left": left.counted(), "buckets": list(left.buckets)}))
    else:
        click.echo(f"left: {_list(left.counted())}; AWS's own service roles, which cost nothing")
        for bucket in left.buckets:
            click.echo(
                f"kept: the bucket {bucket}, with the store's files; to delete them: "
                f"cryoem aws teardown --region {where} --stack {stack} --delete-data {bucket}"
            )
    return 1 if left.counted() else 0


@command.command(short_help="Look whether jobs can run on the account's machines.")
@click.option("--machine", "kinds", multiple=True, metavar="TYPE", help="Which you want to use.")
@click.option("--region", default="", help="Which region; default: the one that was joined last.")
@_json
def doctor(*, kinds: tuple[str, ...], region: str, json_: bool) -> int:
    """Look at credentials, quotas, network, store, roles, image and prices.

    Each line is ok, or says how to mend it; exit code 1 if something is to be mended.
    """
    findings = aws.checks(places().config, kinds or _KINDS, region)
    return shown(findings, yellow="works, and could be better; or wait", json_=json_)


command.add_command(aws_image.command, "image")


def _make(choices: aws.Choices, pythons: Iterable[Path], *, json_: bool) -> None:
    for line in aws.announcement(aws.completed(choices)):
        click.echo(line, err=True)
    click.echo("packing the agent for machines …", err=True)
    with aws.archives(tuple(pythons)) as packed:
        click.echo("CloudFormation is at work; that takes some minutes …", err=True)
        done = aws.set_up(aws.completed(choices, packed), packed)
    if json_:
        policies = {
            "policies": list(done.policies),
            "further_policies": list(done.further),
            "bill_policy": done.bill,
        }
        click.echo(as_json({**policies, "account": asdict(done.account)}))
        return
    click.echo(f"store    {done.account.store}")
    click.echo("Give each user, or a group of them, these policies:")
    _attach(done.policies)
    if done.further:
        click.echo("and to those who may open shells on machines, besides:")
        _attach(done.further)
    click.echo("and to those who may see what all of the account costs (cryoem costs --check):")
    _attach([done.bill])
    named = "" if choices.stack == aws.DEFAULT_STACK else f" --stack {choices.stack}"
    click.echo(f"and tell them:\n  cryoem aws join --region {choices.region}{named}")


def _attach(policies: Iterable[str]) -> None:
    for policy in policies:
        click.echo(f"  aws iam attach-group-policy --group-name GROUP --policy-arn {policy}")


def _tags(words: Iterable[str]) -> Mapping[str, str]:
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise UsageError(f"--tag {key}: what value?", hint="--tag cost-centre=42")
        if key.startswith(("aws:", "cryoem:")) or key == "Name":
            raise UsageError(f"--tag {key}: that name is taken", hint="--tag cost-centre=42")
    return {key: value for key, _, value in pairs}


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(counted(number, what) for what, number in counts.items()) or "nothing"
