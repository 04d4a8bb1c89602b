"""What `run` and `cryoem-qsub` share: from a script in a folder to a spooled job."""

from pathlib import Path

from cryoem_cloud.apps.registry import application_for
from cryoem_cloud.courier import projects
from cryoem_cloud.courier.cards import Card
from cryoem_cloud.courier.start import spool_of, wake
from cryoem_cloud.courier.submit import mark_refused, submit
from cryoem_cloud.frontends.registry import frontend_named, name_of_caller
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Places, Settings, environment, submitters_environment
from cryoem_cloud.wiring.front import counter

__all__ = ["here", "submit_asked", "submit_script"]


def here(places: Places) -> Project:
    """The project that the current folder is in; the folder itself becomes one if none is."""
    folder = projects.find_folder(Path.cwd())
    if folder is not None:
        project = projects.open_project(folder)
        spool_of(places).follow(project)
        return project
    settings = Settings.read(places, None, environment())
    return projects.create(Path.cwd(), settings.store or places.default_store)


def submit_script(script: bytes, *, path: Path | None) -> Card:
    """Spool a script; where it is refused, a front end that looks for markers sees that too."""
    places = Places.read(environment())
    project = here(places)
    script_path = ""
    if path is not None and path.resolve().is_relative_to(project.folder):
        script_path = str(path.resolve().relative_to(project.folder))
    asked = Asked(
        project=project.folder,
        script=script.decode("utf-8", "surrogateescape"),
        script_path=script_path,
        cwd=str(Path.cwd().resolve().relative_to(project.folder)),
    )
    return submit_asked(asked, project, places)


def submit_asked(asked: Asked, project: Project, places: Places) -> Card:
    """Spool what was asked, and see to it that a courier takes it on."""
    application = application_for(asked)
    frontend = frontend_named(name_of_caller(asked.script, asked.script_path))
    try:
        card = submit(
            counter(places, project.store),
            asked,
            project=project,
            application=application,
            frontend=frontend,
            environment=submitters_environment(environment()),
        )
    except CryoemError as error:
        outputs = (str(Path(asked.script_path).parent),) if asked.script_path else ()
        mark_refused(project, outputs, frontend, reason=str(error))
        raise
    wake(places)
    return card
