"""cryoem run."""

import shlex
from decimal import Decimal
from pathlib import Path

import click

from cryoem_cloud.cli.jobs.entering import door_asked, door_options
from cryoem_cloud.cli.jobs.following import follow
from cryoem_cloud.cli.jobs.policy import HOMES
from cryoem_cloud.cli.jobs.preceding import numbers
from cryoem_cloud.cli.jobs.submitting import PROVIDERS, here, submit_asked
from cryoem_cloud.cli.markets import market_options
from cryoem_cloud.cli.quantities import MONEY, TIME
from cryoem_cloud.cli.standing import places
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.offer import MARKETS
from cryoem_cloud.model.usd import ZERO
from cryoem_cloud.ports.application import Asked

__all__ = ["command"]

_HOUR_S = 3600


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--on", "where", type=click.Choice(PROVIDERS), help="Whose machines.")
@click.option("--machine", default="", metavar="TYPE", help="Which machine type (aws).")
@click.option("--market", type=click.Choice(MARKETS), help="Only such machines (aws).")
@market_options
@click.option("--max-hours", type=click.IntRange(1, 168), help="End it then (aws); default: 24.")
@click.option("--count", type=click.IntRange(min=1), help="How many machines.")
@click.option("--max-machines", type=click.IntRange(min=1), help="That a plan may choose (aws).")
@click.option("--deadline", type=TIME, metavar="TIME", help="Home by then: 8h, 2d (aws).")
@click.option("--budget", type=MONEY, metavar="USD", help="What it may cost (aws).")
@click.option("--pieces", type=click.IntRange(min=1), help="Cut into so many; 1: not at all.")
@click.option("--in", "inputs", multiple=True, metavar="PATH", help="A file or folder it reads.")
@click.option("--out", "outputs", multiple=True, metavar="DIR", help="A folder it writes.")
@click.option("--name", default="", help="What it is called; default: its output folder.")
@click.option("--after", metavar="ID[,ID]…", default="", help="Begin when these have succeeded.")
@click.option("--home", type=click.Choice(HOMES), help="What comes home; default: by settings.")
@click.option(
    "--image", default="", metavar="IMAGE", help="Machines' image: ami-… or a name (aws)."
)
@click.option("--container", default="", metavar="IMAGE", help="What its programs are run in.")
@door_options
@click.option("--no-wait", is_flag=True, help="Print the job's number and return.")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
def command(  # noqa: PLR0913  (one for each option)
    *,
    where: str | None,
    machine: str,
    market: str | None,
    max_hours: int | None,
    count: int | None,
    max_machines: int | None,
    deadline: float | None,
    budget: Decimal | None,
    pieces: int | None,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    name: str,
    after: str,
    home: str | None,
    image: str,
    container: str,
    allow_ssh: str | None,
    ssh_key: Path | None,
    no_wait: bool,
    words: tuple[str, ...],
) -> int:
    """Run a command on other machines, follow it, and end with its exit code.

    What RELION's programs read and write is known; for others say it with --in and --out.
    """
    project = here(places())
    asked = Asked(
        project=project.folder,
        script=shlex.join(words) + "\n",
        cwd=str(Path.cwd().resolve().relative_to(project.folder)),
        inputs=inputs,
        outputs=outputs,
        name=name,
        after=numbers(after),
        wish=Wish(
            where=where or "",
            machine=machine,
            market=market or "",
            hours=max_hours or 0,
            count=count or 0,
            max_machines=max_machines or 0,
            deadline_s=round((deadline or 0) * _HOUR_S),
            budget_usd=budget or ZERO,
            pieces=pieces or 0,
            home=home or "",
            image=image,
            container=container,
            door=door_asked(allow_ssh, ssh_key),
        ),
    )
    card = submit_asked(asked, project, places(), ask=True)
    if no_wait:
        click.echo(f"Submitted batch job {card.number}")
        return 0
    click.echo(f"cryoem: job {card.number} submitted", err=True)
    return follow(card, lines=True)
