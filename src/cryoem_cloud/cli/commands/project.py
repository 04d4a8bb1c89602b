"""cryoem project."""

from pathlib import Path

import click

from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.start import spool_of, stores_used, wake
from cryoem_cloud.model.errors import FormatError, NotFoundError, ObjectMissingError, UsageError
from cryoem_cloud.model.keys import project_key
from cryoem_cloud.model.project import Project
from cryoem_cloud.stores.projects import moved_to
from cryoem_cloud.wiring.stores import store_at

__all__ = ["command"]


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show, move, fork or attach a project. Without a word: show."""
    if ctx.invoked_subcommand is None:
        _print(the_project())


@command.command()
@click.option("--json", "json_", is_flag=True, help="For programs.")
def show(*, json_: bool) -> None:
    """Show which project the current folder is in."""
    project = the_project()
    if json_:
        fields = {"name": project.name, "store": project.store, "folder": project.folder.as_uri()}
        click.echo(as_json(fields))
    else:
        _print(project)


@command.command(short_help="Say that the folder was moved; or move the files in the store.")
@click.option("--region", default="", help="Move its part of the store to that region of AWS.")
@click.option("--stack", default="", metavar="NAME", help="To that stack's store there.")
@click.option("--delete-old", is_flag=True, help="Then delete it where it was.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def move(*, region: str, stack: str, delete_old: bool, yes: bool) -> None:
    """Say that the project has been moved to the current folder.

    With --region: move the project's part of the store to the store of the same stack in another
    region, which you must have joined; AWS copies the bytes, and the folder stays where it is. May
    be interrupted and called again. Nothing is deleted unless you say --delete-old.
    """
    if region:
        from cryoem_cloud.cli.files.relocating import relocate  # noqa: PLC0415  (seldom wanted)

        _print(relocate(the_project(), region, stack, delete_old=delete_old, yes=yes))
        return
    if stack or delete_old:
        raise UsageError("--stack and --delete-old are for --region", hint="add --region REGION")
    project = projects.bind(_folder(), stores_used(places()))
    spool_of(places()).follow(project)
    cards().follow(project)
    wake(places())
    _print(project)


@command.command(short_help="Make a copy of a project a project of its own.")
@click.option("--store", "url", default="", metavar="URL", help="In another store than before.")
def fork(*, url: str) -> None:
    """Make the current folder, a copy of a project, a project of its own.

    Jobs that are not home yet come home to the folder in which they were submitted.
    """
    if url:
        store_at(url)  # refuses what is no store's address
    _print(projects.fork(_folder(), stores_used(places()), store=url))


@command.command(short_help="Make this folder a place of a project in a store.")
@click.argument("url")
@click.argument("name", required=False)
@click.option("--json", "json_", is_flag=True, help="List the projects for programs.")
def attach(*, url: str, name: str | None, json_: bool) -> None:
    """Make the current folder a place of a project that lies in a store already.

    Without a NAME the store's projects are listed. In a folder that says already that it is this
    project, in this store, it says that you agree; where the project has been moved to this store
    from the one that the folder names, the folder follows.
    """
    store = store_at(url)
    if name is None:
        names = [found for found in store.folders("") if _is_project(url, found)]
        if not names and not json_:
            raise NotFoundError(f"{url} has no projects", hint="look at the address once more")
        click.echo(as_json({"store": url, "projects": names}) if json_ else "\n".join(names))
        return
    if not _says(url, name) and not _is_project(url, name):
        raise NotFoundError(
            f"{url} has no project {name!r}", hint=f"cryoem project attach {url} lists them"
        )
    bound = projects.find_folder(Path.cwd()) is not None and not _says(url, name)
    if bound and not _follows(url, name):
        raise UsageError(f"{Path.cwd()} is in a project already", hint="attach in an empty folder")
    _print(projects.attach(Path.cwd(), url, name, stores_used(places())))


def _says(url: str, name: str) -> bool:
    """Whether the current folder says that it is this project; there need be no such one yet."""
    try:
        said = projects.named_in(Path.cwd())
    except (NotFoundError, FormatError):
        return False
    return (said.store, said.name) == (url, name)


def _follows(url: str, name: str) -> bool:
    """Whether the current folder's project has been moved to that store."""
    try:
        said = projects.named_in(Path.cwd())
    except (NotFoundError, FormatError):
        return False
    return said.name == name and moved_to(store_at(said.store), name) == url


def _is_project(url: str, name: str) -> bool:
    try:
        store_at(url).size(project_key(name))
    except ObjectMissingError:
        return False
    return True


def _folder() -> Path:
    folder = projects.find_folder(Path.cwd())
    if folder is None:
        raise NotFoundError(f"{Path.cwd()} is in no project")
    return folder


def _print(project: Project) -> None:
    click.echo(f"project  {project.name}\nstore    {project.store}\nfolder   {project.folder}")
