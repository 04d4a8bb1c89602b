"""cryoem show."""

from collections.abc import Sequence
from decimal import Decimal

import click

from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.machines import lines as machine_lines
from cryoem_cloud.cli.jobs.machines import processes, workers
from cryoem_cloud.cli.jobs.whereabouts import (
    AWAY,
    DELETED,
    HOME,
    Group,
    away,
    egress_usd,
    told,
    whereabouts,
)
from cryoem_cloud.cli.showing import left_of, state_of
from cryoem_cloud.cli.standing import places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.courier.homeward.policy import HomePolicy
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.bill import in_a_line, summed
from cryoem_cloud.model.errors import ObjectMissingError, StoreError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON, text
from cryoem_cloud.model.task import MAIN, Task
from cryoem_cloud.model.turn import FEWEST_ENDED, Deed, Turn
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.model.usd import dollars
from cryoem_cloud.stores.archive import archived_keys
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.results import results
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.storage import prices_of

__all__ = ["command"]

_P = ("p10", "p50", "p90")
_WENT_ON = (
    "Who went on from what was made ran it with what its program takes for that, as RELION's "
    "programs take --continue or --only_do_unfinished."
)


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(*, number: int, json_: bool) -> None:
    """Show a job: how it stands, what it was given, the script as submitted and as run."""
    card = find(number)
    try:
        more = _from_store(card)
    except ObjectMissingError:  # nothing of it has reached the store yet
        more = {}
    except StoreError as error:
        click.echo(f"cryoem: only what this computer knows: {error}", err=True)
        more = {}
    if json_:
        click.echo(as_json({**card.to_json(), **more}))
        return
    for line in _lines(card, more):
        click.echo(line)


def _from_store(card: Card) -> dict[str, JSON]:
    records = records_of(card)
    job, tasks = records.job(), tuple(records.all_tasks())
    inputs = {entry.path: entry for task in tasks for entry in task.inputs}.values()
    turns = records.turns(MAIN).read()
    told = text(turns[-1].detail, "script", "") if turns else ""
    return {
        "script": job.script,
        "script_run": told or (tasks[-1].script if tasks else None),
        "script_told": bool(told),
        "pieces": _pieces(records, tasks),
        "machines": workers(records, turns) if any(task.is_piece for task in tasks) else [],
        "inputs": [{"path": e.path, "type": e.kind.value, "size": e.size} for e in inputs],
        **_outputs(card, job, records, turns),
        "cost": _cost(card),
        "turns": [{"number": t.number, "deed": t.deed.value, "machine": t.holder} for t in turns],
    }


def _cost(card: Card) -> dict[str, JSON]:
    """What the job has cost so far; nothing where it cost nothing."""
    from cryoem_cloud.cli.money.paying import (  # noqa: PLC0415  (the catalogue of prices)
        charges_of,
        usd_per_hour_of,
    )

    project = Project(name=card.project, store=card.store, folder=card.folder)
    charges = charges_of(project, card.number)
    (whole, *_) = (*summed(charges), None)
    if not whole:
        return {}
    found = {**whole.to_json(), "told": in_a_line(charges)}
    if not card.forecast:
        return found
    in_all = card.forecast.usd(
        whole.usd, usd_per_hour_of(project, card.number), SystemClock().now()
    )
    return {**found, "in_all": {name: f"{getattr(in_all, name):f}" for name in _P}}


def _pieces(records: JobRecords, tasks: Sequence[Task]) -> dict[str, JSON]:
    """Of a job in pieces, how many there will be, were begun, have ended, were begun again."""
    names = [task.name for task in tasks if task.is_piece]
    if not names:
        return {"number": 0, "begun": 0, "ended": 0, "again": 0}
    turns = records.begun()
    return {
        "number": records.ready().of - 1,
        "begun": sum(turns[name] > 0 for name in names),
        "ended": sum(turns[name] >= FEWEST_ENDED for name in names),
        "again": sum(turns[name] > FEWEST_ENDED for name in names),
    }


def _of_pieces(pieces: JSON) -> list[str]:
    if not pieces["number"]:
        return []
    again = pieces["again"]
    words = f"{counted(again, 'piece')} {'was' if again == 1 else 'were'} begun again"
    return [
        "pieces     {number}: {begun} begun, {ended} ended".format(**pieces),
        *([f"losses     {words}, as machines or their programs were lost"] if again else []),
    ]


def _outputs(card: Card, job: Job, records: JobRecords, turns: Sequence[Turn]) -> dict[str, JSON]:
    """The outputs with the place where each is, and what is in the store alone, in groups."""
    ended = bool(turns) and turns[-1].deed in {Deed.DONE, Deed.FAILED}
    made = results(records, turns[-1]) if ended else ()
    files = [entry for entry in made if entry.kind is Kind.FILE]
    policy = HomePolicy(job, application_named(job.application))
    archived = archived_keys(records.store, records.project)
    found = whereabouts(card, policy, files, archived=archived)
    stored = [entry for entry in files if found[entry.path] == AWAY]
    prices = prices_of(records.store, places())
    return {
        "outputs": [{"path": e.path, "size": e.size, "at": found[e.path]} for e in files],
        "away": [group.to_json() for group in away(stored)],
        "egress_usd": str(egress_usd(sum(entry.size for entry in stored), prices)),
    }


def _lines(card: Card, more: dict[str, JSON]) -> list[str]:
    lines = [
        f"job        {card.number}  {card.name}",
        f"state      {state_of(card)}" + (f": {card.note}" if card.note else ""),
        *([f"reason     {card.reason}"] if card.reason else []),
        *([f"left       {told}"] if (told := left_of(card)) else []),
        *([f"after      {', '.join(f'job {n}' for n in card.after)}"] if card.after else []),
        f"project    {card.project}  {card.folder}",
        f"store      {card.store}",
        f"submitted  {card.submitted_at}",
        f"logs       {card.logs[0]}, {card.logs[1]}",
        f"home       {card.home}",
    ]
    if more:
        inputs = more["inputs"]
        files = [item for item in inputs if item["type"] == Kind.FILE.value]
        size = human_size(sum(item["size"] for item in files))
        names = sum(item["type"] == Kind.STUB.value for item in inputs)
        unread = f"; of {names} more the job needs the names only" if names else ""
        lines.append(f"inputs     {counted(len(files), 'file')}, {size}{unread}")
        lines.extend(_of_pieces(more["pieces"]))
        lines.extend(_summary(card, more))
        if more["cost"]:
            lines.append(f"cost       {more['cost']['told']}{_in_all(more['cost'])}")
        alive = processes(places(), card) if card.open else {}
        lines.extend(machine_lines(more["turns"], more["machines"], alive))
        lines.extend(("", "as submitted:", more["script"].rstrip(), *_as_run(more)))
    return lines


def _in_all(cost: JSON) -> str:
    """What a running job will have cost."""
    if "in_all" not in cost:
        return ""
    low, high = (dollars(Decimal(cost["in_all"][name])) for name in ("p10", "p90"))
    return f"; in all {low} to {high}"


def _as_run(more: dict[str, JSON]) -> list[str]:
    """The script as machines got it; those that go on from what is made change it once more."""
    script = more["script_run"]
    if not script:
        return []
    if script == more["script"]:
        lines = ["", "as run: unchanged"]
    else:
        joined = ", to join the pieces" if more["machines"] and more["script_told"] else ""
        lines = ["", f"as run{joined}:", script.rstrip()]
    claims = sum(turn["deed"] == Deed.CLAIM.value for turn in more["turns"])
    unsure = not more["script_told"] and (claims > 1 or more["machines"])
    return [*lines, *(["", _WENT_ON] if unsure else [])]


def _summary(card: Card, more: dict[str, JSON]) -> list[str]:
    """How many of the outputs are here, and how many must be pulled."""
    lines = []
    for at in (HOME, AWAY, DELETED):
        sizes = [item["size"] for item in more["outputs"] if item["at"] == at]
        if sizes:
            lines.append(
                f"outputs    {counted(len(sizes), 'file')}, {human_size(sum(sizes))}: {at}"
            )
    groups = [Group(**group) for group in more["away"]]
    if groups:
        words = told(groups, card.outputs, Decimal(more["egress_usd"]))
        lines.extend(f"           {line}" for line in words)
    return lines
