"""Completes job numbers in the user's shell."""

from contextlib import suppress

import click
from click.shell_completion import CompletionItem

from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.standing import current_project
from cryoem_cloud.model.errors import CryoemError

__all__ = ["job_numbers"]


def job_numbers(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """The current project's jobs that this computer knows, or all where it is in none.

    None where something is wrong: a shell that completes must not be talked to.
    """
    with suppress(CryoemError, OSError):
        project = current_project()
        return [
            CompletionItem(str(card.number), help=card.name)
            for card in reversed(cards().all())
            if str(card.number).startswith(begun)
            and (project is None or card.project == project.name)
        ]
    return []
