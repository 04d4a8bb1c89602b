"""What `run`, `retry` and `cryoem-qsub` share: from a script in a folder to a spooled job."""

import shlex
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cryoem_cloud.apps.directives import paths, wish
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.patterns import is_pattern, matching, may_lie_in
from cryoem_cloud.apps.registry import application_for, broken
from cryoem_cloud.cli.jobs.consenting import agreed
from cryoem_cloud.cli.jobs.policy import home_of
from cryoem_cloud.cli.jobs.preceding import require_before
from cryoem_cloud.cli.jobs.reaching import require_reach
from cryoem_cloud.cli.standing import current_project, inside
from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.courier.start import spool_of, stores_used, wake
from cryoem_cloud.courier.submit import mark_refused, submit
from cryoem_cloud.frontends.registry import frontend_named, name_of_caller
from cryoem_cloud.model.errors import CryoemError, MissingInputError, SettingsError, UsageError
from cryoem_cloud.model.job import Wish
from cryoem_cloud.model.offer import MARKETS
from cryoem_cloud.model.project import Project
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.settings import Places, Settings, environment, submitters_environment
from cryoem_cloud.wiring.front import counter
from cryoem_cloud.wiring.stores import store_at

__all__ = ["PROVIDERS", "here", "submit_asked", "submit_script", "wake_for"]

PROVIDERS = ("local", "aws")
"""The names that --on and a template's `where` may give."""


def here(places: Places) -> Project:
    """The project that the current folder is in; the folder itself becomes one if none is.

    Raises:
        RefusedError: Others may have changed to which store this user's files of it go.
        SettingsError: The settings name no store's URL; nothing is made then.
    """
    project = current_project()
    if project is not None:
        return project
    folder, used = Path.cwd(), stores_used(places)
    wanted = _store(places, folder)
    if wanted != _store(places, None):
        made = Project(name="", store=wanted, folder=folder.resolve())
        used.require(made, agree=f"export CRYOEM_STORE={shlex.quote(wanted)}")
    store_at(wanted)
    return projects.create(folder, wanted, used)


def _store(places: Places, folder: Path | None) -> str:
    """The store that the settings name; those of a project's folder only where it is given."""
    return Settings.read(places, folder, environment()).store or places.default_store


def submit_script(
    script: bytes,
    *,
    path: Path | None,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    after: tuple[int, ...] = (),
    home: str = "",
) -> Card:
    """Spool a script; where it is refused, a front end that looks for markers sees that too."""
    text = script.decode("utf-8", "surrogateescape")
    try:
        places = Places.read(environment())
        project = here(places)
        asked = Asked(
            project=project.folder,
            script=text,
            script_path=_place_in(project, path),
            cwd=str(Path.cwd().resolve().relative_to(project.folder)),
            inputs=inputs,
            outputs=outputs,
            after=after,
            wish=Wish(home=home),
        )
        return submit_asked(asked, project, places)
    except (CryoemError, OSError) as error:
        if path is not None:
            mark_refused(
                path.resolve().parent,
                frontend_named(name_of_caller(text, str(path))),
                top=projects.find_folder(Path.cwd()) or Path.cwd(),
                reason=str(error),
            )
        raise


def _place_in(project: Project, path: Path | None) -> str:
    """Where the script lies in the project; "" for one that lies nowhere in it."""
    if path is not None:
        with suppress(UsageError):
            return inside(project, str(path))
    return ""


def submit_asked(
    asked: Asked, project: Project, places: Places, *, by_hand: bool = False, ask: bool = False
) -> Card:
    """Spool what was asked, and see to it that a courier takes it on.

    `asked` names its inputs and outputs as the user did, relative to `cwd`; what the script's own
    lines say is added. `by_hand`: the user works on the machine, in no container. `ask`: a user at
    a terminal is asked whether it may cost what it may cost.
    """
    settings = _required_settings(places, project)
    whole = _with_directives(asked, project)
    require_reach(whole.wish.where or settings.where, whole.wish, project, places)
    home = home_of(whole.wish.home, settings, project.store)
    image = whole.wish.image or settings.image
    container = "" if by_hand else whole.wish.container or settings.container
    chosen = replace(whole.wish, home=home, codec=settings.codec, image=image, container=container)
    whole = replace(whole, wish=chosen)
    cards = Cards(places.state / "jobs")
    require_before(whole.after, cards, project)
    _require_inputs(whole, cards, project)
    consent = agreed(whole, project, settings, places) if ask else False
    for error in broken():
        sys.stderr.write(f"cryoem: {error}; it is left out\n")
    frontend = frontend_named(name_of_caller(asked.script, asked.script_path))
    frontend.check(whole)
    card = submit(
        counter(places, project.store),
        whole,
        project=project,
        application=application_for(whole),
        frontend=frontend,
        environment=submitters_environment(environment()),
    )
    if consent:
        spool_of(places).approve(card.slip_name)
    wake_for(card, places)
    return card


def wake_for(card: Card, places: Places) -> None:
    """Have a courier take the job on; it is spooled, so that none now is no refusal."""
    try:
        wake(places)
    except OSError as error:
        sys.stderr.write(
            f"cryoem: job {card.number} is queued, but no courier could be started: {error}\n"
            "        once that is mended, any cryoem command starts one\n"
        )


def _with_directives(asked: Asked, project: Project) -> Asked:
    said = wish(asked.script)
    own = asked.wish
    merged = replace(
        said,
        where=own.where or said.where,
        count=own.count or said.count,
        max_machines=own.max_machines or said.max_machines,
        pieces=own.pieces or said.pieces,
        machine=own.machine or said.machine,
        market=own.market or said.market,
        hours=own.hours or said.hours,
        home=own.home or said.home,
        image=own.image or said.image,
        container=own.container or said.container,
        door=own.door,
        deadline_s=own.deadline_s or said.deadline_s,
        budget_usd=own.budget_usd or said.budget_usd,
    )
    if merged.where and merged.where not in PROVIDERS:
        raise UsageError(
            f"there is no provider of machines {merged.where!r}",
            hint=f"known are {', '.join(PROVIDERS)}",
        )
    if merged.market and merged.market not in MARKETS:
        raise UsageError(
            f"there is no market {merged.market!r}", hint=f"known are {', '.join(MARKETS)}"
        )
    named_in = (*asked.inputs, *paths(asked.script, "in"))
    named_out = (*asked.outputs, *paths(asked.script, "out"))
    return replace(
        asked,
        wish=merged,
        inputs=tuple(inside(project, path) for path in named_in),
        outputs=tuple(inside(project, path) for path in named_out),
    )


def _required_settings(places: Places, project: Project) -> Settings:
    """The settings, as the courier will be able to read them too.

    Raises:
        SettingsError: A file or a variable is off, or names a provider that there is not.
    """
    settings = Settings.read(places, project.folder, environment())
    if settings.where not in PROVIDERS:
        raise SettingsError(
            f"the settings name the provider of machines {settings.where!r}",
            hint=f"known are {', '.join(PROVIDERS)}",
        )
    return settings


def _require_inputs(asked: Asked, cards: Cards, project: Project) -> None:
    """See to it that what --in names is there, or that a job may yet make it or has left it."""
    ours = [card for card in cards.all() if card.project == project.name] if asked.inputs else []
    makers = [card for card in ours if card.open or card.home == "essential"]
    folders = [folder for card in makers for folder in card.outputs]
    for path in asked.inputs:
        there = (project.folder / path).exists() or _matches(project, path)
        if not there and not any(may_lie_in(path, folder) for folder in folders):
            raise MissingInputError(
                f"there is no {path}, which --in names",
                hint="if it is in the store alone, cryoem pull brings it home",
            )


def _matches(project: Project, path: str) -> bool:
    return is_pattern(path) and bool(matching(Here(project.folder), path))
