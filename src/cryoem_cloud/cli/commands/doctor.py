"""cryoem doctor."""

from collections.abc import Iterator

import click

from cryoem_cloud.cli.checking.checks import Check, checks
from cryoem_cloud.cli.checking.doctoring import shown
from cryoem_cloud.cli.standing import current_project, places
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.settings import environment, submitters_environment
from cryoem_cloud.wiring.stores import store_at

__all__ = ["command"]

_CONNECT = "cryoem connect relion, in the project's folder; cryoem run makes one by itself"


@click.command()
@click.option("--json", "json_", is_flag=True, help="For programs.")
def command(*, json_: bool) -> int:
    """Look for what is wrong, and say how to mend it; exit code 1 if something is.

    A line is ok, or !! for what is wrong, or -- for what is missing and nobody needs yet.
    """
    return shown(_all_checks(), yellow="missing, and nobody needs it yet", json_=json_)


def _all_checks() -> Iterator[Check]:
    """The checks; a folder that is no project, or not the one it says, is one of them."""
    project = None
    trouble = Check("project", "the current folder is in none", _CONNECT, needed=False)
    try:
        project = current_project()
    except CryoemError as error:
        trouble = Check("project", error.message, error.hint)
    except OSError as error:
        trouble = Check("project", f"{error.filename}: {error.strerror}", "mend its permissions")
    if project is None:
        yield trouble
    env = submitters_environment(environment())
    yield from checks(places(), project, env=env, store_at=store_at)
