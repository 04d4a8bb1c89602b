"""cryoem extend."""

import re

import click

from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.tokens import fleets_of
from cryoem_cloud.courier.money.settling import reserve_more
from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.stores.budget import BudgetLog
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.wiring.clock import SystemClock

__all__ = ["command"]

_SPAN = re.compile(r"(\d+)(h|min)")
_SECONDS = {"h": 3600, "min": 60}
_MOST_H = 168
"""At once, as of --max-hours: a digit too many is not paid for."""


class _Span(click.ParamType[float]):
    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = _SPAN.fullmatch(str(value))
        if not found:
            self.fail(f"{value} is no time like 4h or 90min", param, ctx)
        span = float(int(found[1]) * _SECONDS[found[2]])
        if span > _MOST_H * 3600:
            self.fail(f"{value} is more than {_MOST_H}h, the most at once", param, ctx)
        return span


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
@click.argument("by_s", metavar="TIME", type=_Span())
def command(*, number: int, by_s: float) -> None:
    """Give a job's machines more time, such as 4h, before they end in any case.

    What they cost in that time has to fit the project's budget.
    """
    from cryoem_cloud.wiring.background import providers_of  # noqa: PLC0415  (heavy)

    card = find(number)
    ours = fleets_of(card.project, card.number)
    fleets = [
        (provider, token)
        for provider in providers_of(places())
        for token in provider.tokens()
        if token.startswith(ours) and provider.look(token).alive
    ]
    if not fleets:
        raise NotFoundError(f"job {number} has no machines", hint=f"cryoem show {number}")
    store = records_of(card).store
    for provider, token in fleets:
        ledger, log = Ledger(store, card.project), BudgetLog(store, card.project)
        reserve_more(log, ledger, token, by_s=by_s, now=SystemClock().now())
        until = provider.extend(token, by_s)
        if until:
            records_of(card).extend(until)
        when = f"end at {until.astimezone():%Y-%m-%d %H:%M}" if until else "have no limit"
        click.echo(f"cryoem: the machines of job {number} on {provider.name} {when}", err=True)
