"""cryoem launch, which the published tool's users know as awslaunch."""

from decimal import Decimal
from pathlib import Path

import click

from cryoem_cloud.cli.jobs.entering import door_asked, door_options
from cryoem_cloud.cli.jobs.submitting import here, submit_asked
from cryoem_cloud.cli.standing import places
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.units import counted, human_usd
from cryoem_cloud.planner.static import offers_for
from cryoem_cloud.ports.application import Asked

__all__ = ["command"]

_SESSION = 'ln -sfn "$PWD" /root/project; echo "the machine is up"; sleep infinity\n'
"""What the job of an interactive machine does: it shows the project's files to who comes in."""


@click.command(short_help="An interactive machine of AWS's, with files of the project.")
@click.option("--instance", "--machine", "machine", default="", metavar="TYPE", help="Which type.")
@click.option("--hours", type=click.IntRange(1, 168), default=1, show_default=True, help="At most.")
@click.option("--spot", is_flag=True, help="A Spot machine: cheaper, and Amazon may take it away.")
@click.option("--out", default="session", show_default=True, metavar="DIR", help="Comes home.")
@door_options
@click.argument("paths", nargs=-1)
def command(
    *,
    machine: str,
    hours: int,
    spot: bool,
    out: str,
    allow_ssh: str | None,
    ssh_key: Path | None,
    paths: tuple[str, ...],
) -> None:
    """Start a machine of AWS's to work on by hand, with these PATHS of the project on it.

    It is a job like others: it is in `cryoem ls`, what is written into its folder (--out) comes
    home, and it ends after its hours, with `cryoem stop`, or where nobody is logged in and nothing
    runs for an hour. Without --allow-ssh it is entered through Session Manager.
    """
    project = here(places())
    wish = Wish(
        where="aws",
        machine=machine,
        market="spot" if spot else "on-demand",
        hours=hours,
        pieces=1,
        door=door_asked(allow_ssh, ssh_key),
    )
    kind = offers_for(_SESSION, wish)[0].kinds[0]
    click.echo(f"costs    {_costs(kind, hours, project.store, spot=spot)}")
    asked = Asked(
        project=project.folder,
        script=_SESSION,
        cwd=str(Path.cwd().resolve().relative_to(project.folder)),
        inputs=paths,
        outputs=(out,),
        name=f"session on {kind}",
        wish=wish,
    )
    number = submit_asked(asked, project, places(), by_hand=True, ask=True).number
    through = "" if allow_ssh else " (Session Manager; if your stack has none: --allow-ssh)"
    click.echo(
        f"machine  {kind}, for {counted(hours, 'hour')} at most: job {number}; it needs some "
        f"minutes to come up (cryoem show {number})\n"
        f"enter    cryoem machines ssh {number}{through}    the project is in ~/project there\n"
        f"home     what is written into {out} there\n"
        f"longer   cryoem extend {number} 2h\n"
        f"end      cryoem stop {number}"
    )


def _costs(kind: str, hours: int, store: str, *, spot: bool) -> str:
    """What it costs at most, as AWS says now; what it does not say keeps nobody from working."""
    from cryoem_cloud.wiring.aws_stack import price_of  # noqa: PLC0415  (heavy)

    try:
        usd = price_of(kind, store, places().config)
    except CryoemError as error:
        return f"AWS does not say what {kind} costs: {error.message}"
    if usd is None:
        return f"AWS has no price for {kind} in that region"
    less = "; Spot machines cost less" if spot else ""
    most = human_usd(usd * Decimal(hours))
    return (
        f"{human_usd(usd)} an hour on demand, {most} at most{less}; its disk and its public "
        "address some cents besides"
    )
