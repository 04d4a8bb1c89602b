"""cryoem plan."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import click

from cryoem_cloud.cli.markets import market_options
from cryoem_cloud.cli.quantities import MONEY, RATE, TIME
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.errors import UsageError

__all__ = ["command"]


@click.command(short_help="Say what a job or a pipeline takes and costs.")
@click.argument(
    "target",
    required=False,
    metavar="[SCRIPT|JOBDIR]",
    type=click.Path(exists=True, path_type=Path),
)
@click.option("--deadline", type=TIME, metavar="TIME", help="Results are home by then: 8h, 2d.")
@click.option("--budget", type=MONEY, metavar="USD", help="What it may cost.")
@click.option("--region", default="", help="Which region, or any; default: your account's.")
@market_options
@click.option("--machine", default="", metavar="TYPE", help="Which machine type.")
@click.option("--count", type=click.IntRange(min=1), help="How many machines.")
@click.option("--max-machines", type=click.IntRange(min=1), help="How many machines at most.")
@click.option("--line", type=RATE, metavar="RATE", help="Bytes a second to the store: 50M.")
@click.option(
    "--png",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A picture of times and costs.",
)
@click.option("--pipeline", "name", metavar="NUMBER", help="A published one: 10061.")
@click.option("--as-published", is_flag=True, help="By the rules and prices of its publication.")
@click.option("--seed", type=int, default=1, help="Of a pipeline's dice; default: 1.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(  # noqa: PLR0913  (one for each option)
    *,
    target: Path | None,
    deadline: float | None,
    budget: Decimal | None,
    region: str,
    market: str | None,
    machine: str,
    count: int | None,
    max_machines: int | None,
    line: int | None,
    png: Path | None,
    name: str | None,
    as_published: bool,
    seed: int,
    json_: bool,
) -> None:
    """Say what a job takes and costs on which machines, before it runs: a script, or its folder.

    Needs no account and no network. The choice is the cheapest that keeps the deadline, or the
    fastest that keeps the budget, nine times of ten; without either, the cheapest of those that are
    about as fast as is sensible. Hours and US dollars are ranges: P10, P50 and P90.

    With --pipeline, what a published pipeline would take and cost today: planned, and simulated
    many times with dice for all that is uncertain, in the region that is best for it. With
    --as-published too, what was published, by the rules and prices of that comparison.
    """
    if name:
        _refuse_for_a_pipeline(target, (deadline, budget, machine, count, max_machines, line, png))
        market = market or "spot"
        click.echo(
            _published(name, json_=json_)
            if as_published
            else _simulated(name, market, region or "any", seed, json_=json_)
        )
        return
    if target is None:
        raise UsageError(
            "what is to be planned?",
            hint="cryoem plan Class2D/job012, or: cryoem plan --pipeline 10061",
        )
    from cryoem_cloud.cli.money.planned import draw, plan_as_json, plan_lines  # noqa: PLC0415  (heavy)
    from cryoem_cloud.cli.money.planning import Choices, planned  # noqa: PLC0415  (heavy)

    choices = Choices(
        deadline_h=deadline,
        budget_usd=budget,
        region=region,
        market=market or "",
        machine=machine,
        count=count or 0,
        max_machines=max_machines or 0,
        line_bytes_s=line or 0,
    )
    found = planned(target, choices)
    if png is not None:
        draw(found, png)
    click.echo(as_json(plan_as_json(found)) if json_ else "\n".join(plan_lines(found)))


def _refuse_for_a_pipeline(target: Path | None, given: Sequence[object]) -> None:
    """What narrows a job's plan would be passed over without a word.

    Raises:
        UsageError: Some of it is given.
    """
    if target is not None or any(given):
        raise UsageError(
            "a pipeline is planned as a whole, without a job or what is for jobs alone",
            hint="with it go --as-published, --spot, --on-demand, --region, --seed and --json",
        )


def _published(name: str, *, json_: bool) -> str:
    from cryoem_cloud.cli.money.published import (  # noqa: PLC0415  (not for other plans)
        published_json,
        published_text,
    )
    from cryoem_cloud.planner.published import pipeline  # noqa: PLC0415  (heavy)

    found = pipeline(name)
    return as_json(published_json(found)) if json_ else published_text(found)


def _simulated(name: str, market: str, region: str, seed: int, *, json_: bool) -> str:
    from cryoem_cloud.cli.money.simulated import DRAWS, simulated  # noqa: PLC0415  (not for other plans)
    from cryoem_cloud.model.offer import Market  # noqa: PLC0415  (heavy)
    from cryoem_cloud.planner.published import pipeline  # noqa: PLC0415  (heavy)

    known = pipeline(name)
    click.echo(f"planning, and simulating {DRAWS} times, for some minutes", err=True)
    found = simulated(known, market=Market(market), region=region, seed=seed)
    return as_json(found.to_json()) if json_ else found.to_text()
