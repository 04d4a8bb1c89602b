"""cryoem budget."""

import re
from decimal import Decimal

import click

from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.courier.money.overdue import free, settle_overdue
from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.model.usd import ZERO, about, cents, dollars, usd
from cryoem_cloud.ports.provider import Provider
from cryoem_cloud.stores.budget import Balance, BudgetLog
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.front import submitter
from cryoem_cloud.wiring.stores import store_at

__all__ = ["command"]

_LIMIT = re.compile(r"\$?(\d{1,9}(?:\.\d{1,9})?)(?:/month)?")


class _Limit(click.ParamType[Decimal | None]):
    name = "limit"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal | None:
        if value == "none":
            return None
        found = _LIMIT.fullmatch(str(value))
        if not found:
            said = "500/month are 500 US dollars a month, none takes the limit away"
            self.fail(f"{value!r} is no budget; {said}", param, ctx)
        amount = usd(found[1])
        if not amount or amount != cents(amount):
            self.fail(f"{value!r}: a budget is of whole cents, 0.01/month at least", param, ctx)
        return amount


@click.group(invoke_without_command=True)
@click.option("--json", "json_", is_flag=True, help="For programs.")
@click.pass_context
def command(ctx: click.Context, *, json_: bool) -> None:
    """Show the project's budget: its limit, what is spent and what is reserved, month by month.

    What a fleet of machines may cost at most is reserved before it is ordered, and what it has cost
    is put in that place once it is gone.
    """
    if ctx.invoked_subcommand:
        return
    project, now = the_project(), SystemClock().now()
    store = store_at(project.store)
    log = BudgetLog(store, project.name)
    overdue = settle_overdue(log, Ledger(store, project.name), now, _providers)
    for line in overdue.told():
        click.echo(f"cryoem: {line}", err=True)
    balance, month = log.read(), f"{now:%Y-%m}"
    if json_:
        click.echo(as_json(_fields(balance)))
        return
    limit = _in_words(balance.limit, hard=balance.hard)
    rows = [_row(balance, each) for each in {month: ZERO, **balance.months}]
    click.echo(f"budget of {project.name}: {limit}")
    click.echo(table(("MONTH", "SPENT", "RESERVED", "LEFT"), sorted(rows)))
    if warning := balance.warning(month):
        click.echo(f"cryoem: {warning}", err=True)


@command.command("set")
@click.argument("limit", metavar="LIMIT", type=_Limit())
@click.option("--hard", is_flag=True, help="End what runs, in order, when it is reached.")
def set_(*, limit: Decimal | None, hard: bool) -> None:
    """Let the project's machines cost so much a month, such as 500/month, or none: no limit.

    From 80 % on users are warned; a fleet that does not fit any more is not ordered, and its job
    waits. Machines that are there are left alone, unless the limit is --hard: then jobs are
    stopped as cryoem stop does it, with what they have made, once so much was spent.
    """
    if hard and limit is None:
        raise click.BadParameter("no limit can be hard", param_hint="--hard")
    project = the_project()
    BudgetLog(store_at(project.store), project.name).set_limit(limit, by=submitter(), hard=hard)
    said = f"the budget of {project.name} is {_in_words(limit, hard=hard)}"
    if limit is None:
        said = f"{project.name} has no budget any more: its machines may cost any sum"
    click.echo(f"cryoem: {said}", err=True)


@command.command("free")
@click.argument("number", metavar="ID", type=int)
def free_(*, number: int) -> None:
    """Free what is reserved for a job whose machines are gone, and whose time is over.

    For machines that nobody here can ask for: another account's, or another computer's. What they
    have cost, as far as the ledger knows, stands in its place. Refused where machines of the job
    are there.
    """
    project = the_project()
    store = store_at(project.store)
    freed = free(
        BudgetLog(store, project.name),
        Ledger(store, project.name),
        SystemClock().now(),
        _providers,
        job=number,
        by=submitter(),
    )
    if not freed:
        raise NotFoundError(
            f"nothing is reserved for job {number} whose time is over",
            hint="what its machines hold is freed once they are gone; cryoem budget shows the sums",
        )
    click.echo(f"cryoem: freed what was reserved for {', '.join(freed)}", err=True)


def _providers() -> tuple[Provider, ...]:
    from cryoem_cloud.wiring.background import providers_of  # noqa: PLC0415  (heavy)

    return providers_of(places())


def _in_words(limit: Decimal | None, *, hard: bool) -> str:
    if limit is None:
        return "no limit"
    return f"{dollars(limit)} a month" + (", and what runs is ended there" if hard else "")


def _row(balance: Balance, month: str) -> tuple[str, str, str, str]:
    known, held = balance.months.get(month, ZERO), balance.held(month)
    left = "" if balance.limit is None else dollars(balance.limit - known)
    return (month, about(known - held), dollars(held), left)


def _fields(balance: Balance) -> dict[str, object]:
    return {
        "limit_usd": None if balance.limit is None else f"{balance.limit:f}",
        "hard": balance.hard,
        "months": [
            {
                "month": month,
                "spent_usd": f"{known - balance.held(month):f}",
                "reserved_usd": f"{balance.held(month):f}",
            }
            for month, known in balance.months.items()
        ],
        "reserved": sorted(balance.reserved),
    }
