"""cryoem plan."""

import click

from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.errors import UsageError

__all__ = ["command"]


@click.command(short_help="Say what a pipeline takes and costs.")
@click.option("--pipeline", "name", metavar="NUMBER", help="A published one: 10061.")
@click.option("--as-published", is_flag=True, help="By the rules and prices of its publication.")
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(*, name: str | None, as_published: bool, json_: bool) -> None:
    """Say what a published pipeline takes and costs.

    With --as-published, by the rules and prices of the comparison in which the original of this
    program was presented: hours of moving data and of running jobs, and US dollars, step by step.
    """
    from cryoem_cloud.cli.published import (  # noqa: PLC0415  (not for other plans)
        published_json,
        published_text,
    )
    from cryoem_cloud.planner.published import pipeline  # noqa: PLC0415

    if not name or not as_published:
        raise UsageError(
            "what is to be planned?", hint="cryoem plan --pipeline 10061 --as-published"
        )
    found = pipeline(name)
    click.echo(as_json(published_json(found)) if json_ else published_text(found))
