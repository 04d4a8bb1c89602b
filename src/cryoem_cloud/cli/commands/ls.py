"""cryoem ls."""

from collections.abc import Sequence
from pathlib import Path

import click

from cryoem_cloud.cli.jobs.afar import cards_from_store
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.showing import left_of, state_of, table
from cryoem_cloud.cli.standing import current_project, places
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import wake
from cryoem_cloud.model.errors import StoreError

__all__ = ["command"]


@click.command()
@click.option("--all", "all_", is_flag=True, help="Of all projects on this computer.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(*, all_: bool, json_: bool) -> None:
    """List the current project's jobs, those that other computers submitted too."""
    wake(places())
    project = None if all_ else current_project()
    found: list[Card] = [
        card for card in cards().all() if project is None or card.project == project.name
    ]
    if project is not None:
        try:
            known = frozenset(card.number for card in found)
            found.extend(cards_from_store(project, known=known))
        except StoreError as error:
            click.echo(f"cryoem: only what this computer knows: {error}", err=True)
    found.sort(key=lambda card: (card.store, card.number))
    if json_:
        click.echo(as_json({"jobs": [card.to_json() for card in found]}))
    elif found:
        click.echo(_table(found, projects=project is None))
    if not json_ and not all_ and project is None:
        jobs = "these are the jobs of all projects" if found else "there are no jobs"
        click.echo(f"cryoem: {Path.cwd()} is in no project; {jobs}", err=True)
    elif not json_ and not found:
        click.echo("no jobs", err=True)


def _table(found: Sequence[Card], *, projects: bool) -> str:
    """A row a job; with `projects`, which one it is of."""
    head, rows = ["JOB", "NAME", "STATE", "NOTE"], []
    for card in found:
        row = [str(card.number), card.name, state_of(card), left_of(card) or card.note]
        rows.append([*row[:1], card.project, *row[1:]] if projects else row)
    return table([*head[:1], "PROJECT", *head[1:]] if projects else head, rows)
