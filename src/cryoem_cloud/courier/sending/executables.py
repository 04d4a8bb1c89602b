"""Whether a job's machines will have the other programs that its programs call.

On this computer the job's own word counts, and then the setting's. Elsewhere a path of this
computer's means nothing: the setting says where machines have the program, or what the image has;
without either, the submitter's own file is sent along.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryoem_cloud.model.errors import CryoemError, MissingInputError, RefusedError
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.paths import OUTSIDE, STAGED_OUTSIDE, normal
from cryoem_cloud.ports.application import Called, Shape

__all__ = ["Arranged", "arranged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """The machines' shape, with where they have the programs, and those that must be sent."""

    shape: Shape
    needs: tuple[Need, ...] = field(default=())


def arranged(
    called: Sequence[Called],
    shape: Shape,
    *,
    project: Path,
    chosen: Mapping[str, str],
    env: Mapping[str, str],
) -> Arranged:
    """See to it that the machines will have what is called.

    `chosen` is the settings' table of executables, `env` the submitter's environment. A path
    relative to the project is an input like others.

    Raises:
        MissingInputError: One is on no machine; the message says which, who calls it, what to do.
        RefusedError: One may not be executed, or is a relative path that leaves the project.
    """
    places, needs = dict(shape.executables), list[Need]()
    for one in called:
        here = _here(one, project, env)
        if _is_relative(one.word):
            if not here and (project / one.word).exists():
                raise _not_executable(one, project / one.word)
            needs.append(Need(path=_inside(one), asked_by=one.asked_by))
        elif shape.here:
            if not here and (one.certain or one.name in chosen):
                places[one.name] = _of_this_computer(one, chosen, env)
        elif one.name in chosen:
            places[one.name] = chosen[one.name]
        elif one.name in places:
            continue
        elif here:
            needs.append(Need(path=OUTSIDE + here.lstrip("/"), asked_by=one.asked_by))
            places[one.name] = STAGED_OUTSIDE + here.lstrip("/")
        elif one.certain:
            raise _lacking(one)
    return Arranged(shape=replace(shape, executables=places), needs=tuple(needs))


def _here(one: Called, project: Path, env: Mapping[str, str]) -> str:
    """Where this computer has it, as a shell in the project would find it; "" if nowhere."""
    word = str(project / one.word) if _is_relative(one.word) else one.word
    return (shutil.which(word, path=env.get("PATH")) or "") if word else ""


def _is_relative(word: str) -> bool:
    return "/" in word and not word.startswith("/")


def _of_this_computer(one: Called, chosen: Mapping[str, str], env: Mapping[str, str]) -> str:
    """Where the settings have it."""
    named = chosen.get(one.name, "")
    if named and shutil.which(named, path=env.get("PATH")):
        return named
    if named:
        raise MissingInputError(
            f"{one.asked_by} calls {one.name}, and the settings say that it is {named}, "
            "which is no program here",
            hint=one.remedy,
        )
    raise _lacking(one)


def _lacking(one: Called) -> CryoemError:
    if Path(one.word).is_absolute() and os.path.lexists(one.word):
        return _not_executable(one, Path(one.word))
    if not one.word:
        what = f"{one.asked_by} calls {one.name}, and nothing says which program that is"
    elif "/" in one.word:
        what = f"{one.asked_by} calls {one.word}, and there is no such file on this computer"
    else:
        what = f"{one.asked_by} calls {one.word}, and there is no such program in your PATH"
    setting = f'put {one.name} = "/its/path" below [executables] in settings.toml'
    return MissingInputError(what, hint=f"{one.remedy}; or {setting}")


def _inside(one: Called) -> str:
    """The path in the project that a relative word is."""
    try:
        return normal(one.word)
    except RefusedError as error:
        raise RefusedError(
            f"{one.asked_by} calls {one.word}, which lies outside the project",
            hint="name it by its absolute path",
        ) from error


def _not_executable(one: Called, place: Path) -> CryoemError:
    if not place.exists():
        return MissingInputError(
            f"{one.asked_by} calls {one.word}, which is a link that leads to no file",
            hint=f"mount or make what it leads to, or {one.remedy}",
        )
    if place.is_dir():
        return RefusedError(
            f"{one.asked_by} calls {one.word}, which is a folder", hint="name the program in it"
        )
    return RefusedError(
        f"{one.asked_by} calls {one.word}, which may not be executed by you",
        hint=f"if it is the right file: chmod +x {one.word}",
    )
