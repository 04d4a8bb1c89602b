"""Programs that are not RELION's and that a job's programs call: which, and who says so."""

import posixpath
from collections.abc import Iterator, Mapping

from cryoem_cloud.apps.relion.programs.calling import RESMAP
from cryoem_cloud.apps.relion.row import Executable
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Called

__all__ = ["executables", "in_use", "is_resmap"]

_MAY_CHANGE_ALL = frozenset(
    {"module", "ml", "source", ".", "eval", "export", "conda", "mamba", "micromamba", "spack"}
)
"""Commands after which names and variables may mean something else."""

_NOWHERE = "/public/EM/"
"""Where RELION's GUI looks if it was told nothing: a folder of its authors' computers."""


def executables(job: Job, env: Mapping[str, str]) -> tuple[Called, ...]:
    """See the port: Application.executables."""
    understood = list(calls(job.script))
    changeable = any(map(_may_change_all, understood))
    found = [
        _called(call, executable, env, changeable=changeable)
        for call in understood
        for executable in in_use(call)
    ]
    found += [_command(call) for call in understood if is_resmap(call)]
    return tuple({one.name: one for one in found if not _relions_own(one.word)}.values())


def in_use(call: Call) -> Iterator[Executable]:
    """The programs that a command calls, its flags considered."""
    for one in call.program.executables if call.program else ():
        wanted = not one.when or any(map(call.has, one.when))
        if wanted and not (one.unless and call.has(one.unless)):
            yield one


def is_resmap(call: Call) -> bool:
    """Whether the command is ResMap: LocalRes calls it by itself."""
    return call.program is None and call.name.startswith("ResMap")


def _called(
    call: Call, executable: Executable, env: Mapping[str, str], *, changeable: bool
) -> Called:
    """RELION takes the option, else the variable, else what it knows."""
    option = call.value(executable.option) if executable.option else None
    if option is not None and option.text:
        word, asked_by = option.text, f"{call.name} {executable.option}"
    elif executable.variable and executable.variable in env:
        word, asked_by = env[executable.variable], f"{call.name}, by {executable.variable},"
    else:
        word, asked_by = executable.default, call.name
    told = option is not None and "/" in word
    return Called(
        name=executable.name,
        word=word,
        asked_by=asked_by,
        remedy=_remedy(executable, word),
        certain=told or not changeable,
    )


def _command(call: Call) -> Called:
    word = call.command.words[0].text
    return Called(
        name=RESMAP.name,
        word=word,
        asked_by="the script",
        remedy=_remedy(RESMAP, word),
        certain="/" in word,
    )


def _remedy(executable: Executable, word: str) -> str:
    """What to do where it is not."""
    steps = [f"install {executable.title}"]
    if executable.source:
        steps[0] += f" (from {executable.source})"
    ways = [f"RELION's field {executable.field!r}"] if executable.field else []
    if executable.variable:
        ways.append(f"export {executable.variable}=/its/path before RELION is started")
    if ways:
        steps.append(f"name it in {' or by '.join(ways)}")
    default = "; this is what RELION offers if it is told nothing"
    return ", ".join(steps) + (default if word.startswith(_NOWHERE) else "")


def _relions_own(word: str) -> bool:
    return posixpath.basename(word).startswith("relion_")


def _may_change_all(call: Call) -> bool:
    """Whether it may change the environment of its program, or of the commands behind it."""
    before = call.command.words[: max(call.at, 1)]
    assigns = any(word.text.startswith(("PATH=", "RELION_")) for word in before)
    return assigns or (call.program is None and call.name in _MAY_CHANGE_ALL)
