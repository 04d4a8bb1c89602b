"""A job's script for the machine that runs it.

The user's text stays as it is but for single words: counts where the user left one rank and one
thread or where the program would refuse them, the scratch disk, and what a machine has elsewhere:
inputs from outside the project, and programs that are not RELION's.
"""

import posixpath
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryoem_cloud.apps.bash import Word
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.patterns import is_pattern
from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.counts import Counts, chosen, possible
from cryoem_cloud.apps.relion.edits import Edit, edited
from cryoem_cloud.apps.relion.executables import in_use, is_resmap
from cryoem_cloud.apps.relion.programs import NO_FILES, UNKNOWN
from cryoem_cloud.apps.relion.programs.calling import RESMAP
from cryoem_cloud.apps.relion.programs.refinement import REFINE
from cryoem_cloud.apps.relion.readings import readings
from cryoem_cloud.apps.relion.row import Program
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.paths import OUTSIDE, STAGED_OUTSIDE
from cryoem_cloud.ports.application import Shape

__all__ = ["adapted", "worker_environment"]

_LAUNCHERS = frozenset({"mpirun", "mpiexec", "orterun"})
_RANK_OPTIONS = frozenset({"-n", "-np", "--np", "-c"})

_DISK = Here(Path("/"))


def adapted(job: Job, shape: Shape) -> str:
    """See the port: Application.adapted. Called on the submitter's computer.

    Raises:
        FormatError: The script is not bash.
    """
    edits: list[Edit] = []
    for call in calls(job.script):
        edits += _outside(call)
        edits += _executables(call, shape)
        if call.program is not None and not shape.fixed and not call.asks:
            edits += _scratch(call, call.program, shape)
            if _left_at_one(call, job):
                edits += _counts(call, call.program, shape, job.script)
            else:
                edits += _corrected(call, call.program, job.script)
    return edited(job.script, edits)


def worker_environment(env: Mapping[str, str], *, is_root: bool, has_csh: bool) -> dict[str, str]:
    """What RELION needs of a machine's environment beyond `env`; what is set there stands.

    Without csh, CtfFind would fail on every micrograph and still report success. Open MPI would
    pin all threads of a rank to one core, refuse more ranks than cores, and refuse root.
    """
    wanted = {
        "OMPI_MCA_hwloc_base_binding_policy": "none",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_hwloc_default_binding_policy": "none",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    if not has_csh:
        wanted["RELION_SHELL"] = "bash"
    if is_root:
        wanted |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {name: value for name, value in wanted.items() if name not in env}


def _outside(call: Call) -> Iterator[Edit]:
    """Inputs from outside the project are read where the agent stages them."""
    for word in _input_words(call):
        if word.text in NO_FILES or is_pattern(word.text):
            continue
        path = names.placed(word.text, call.name)
        if path.startswith(OUTSIDE):
            path = STAGED_OUTSIDE + path.removeprefix(OUTSIDE)
        elif ".." not in word.text.split("/"):
            continue
        yield word.start, word.end, shlex.quote(path)


def _input_words(call: Call) -> Iterator[Word]:
    if call.silent:
        return
    if call.program is None or call.program is UNKNOWN:
        yield from (word for word in call.arguments if names.outside_data(word.text, _DISK))
    else:
        options = [option for option, reading in readings(call).items() if not reading.several]
        found = (call.value(option) for option in (*options, "--coord_dir"))
        yield from (word for word in found if word is not None)
    yield from (word for word in call.command.reads if names.outside_data(word.text, _DISK))


def _executables(call: Call, shape: Shape) -> Iterator[Edit]:
    """Other programs are called where the machine has them."""
    words = call.command.words
    if is_resmap(call) and RESMAP.name in shape.executables:
        yield words[0].start, words[0].end, shlex.quote(shape.executables[RESMAP.name])
    for executable in in_use(call):
        if executable.name not in shape.executables:
            continue
        place = shlex.quote(shape.executables[executable.name])
        if executable.option:
            yield from _with_option(call, executable.option, f"{executable.option} {place}")
        else:
            at = _launcher(call)
            first = words[call.at if at is None else at]
            yield first.start, first.start, f"env {executable.variable}={place} "


def _left_at_one(call: Call, job: Job) -> bool:
    """Whether the user left the counts to us: one rank, one thread."""
    threads = call.value("--j")
    ranks = _rank_word(call)
    return (
        job.wish.ranks == 1
        and job.wish.threads == 1
        and (threads is None or threads.text == "1")
        and (ranks is None or ranks.text == "1")
        and not call.mpi
    )


def _scratch(call: Call, row: Program, shape: Shape) -> Iterator[Edit]:
    """The scratch disk is the machine's own, whatever the user has."""
    if not row.scratch:
        return
    wanted = f"--scratch_dir {shlex.quote(shape.scratch)}" if shape.scratch else ""
    yield from _with_option(call, "--scratch_dir", wanted)


def _counts(call: Call, row: Program, shape: Shape, script: str) -> Iterator[Edit]:
    gpus = shape.gpus if row.gpu and call.holds(row.gpu) else 0
    if row.gpu:
        yield from _with_option(call, "--gpu", '--gpu ""' if gpus else "")
    chosen = _chosen(call, row, shape, gpus)
    if row.threads:
        yield from _with_option(call, row.threads, f"{row.threads} {chosen.threads}")
    yield from _launched(call, chosen.ranks, script)


def _chosen(call: Call, row: Program, shape: Shape, gpus: int) -> Counts:
    if row.name == REFINE:
        return chosen(call, shape, gpus)
    alone = row.threads or row.ranks is None or not call.holds(row.ranks)
    return Counts(1 if alone else gpus or shape.cores, shape.cores)


def _corrected(call: Call, row: Program, script: str) -> Iterator[Edit]:
    """A count of ranks with which the program would refuse to start."""
    count = _rank_word(call)
    told = count.text if count is not None else "1"
    if row.name == REFINE and told.isdigit() and possible(call, int(told)) != int(told):
        yield from _launched(call, possible(call, int(told)), script)


def _launched(call: Call, ranks: int, script: str) -> Iterator[Edit]:
    """With that many ranks; threads are never bound to one core."""
    place = _launcher(call)
    words = call.command.words
    program = words[call.at]
    if ranks > 1:
        if not call.mpi:
            written = script[program.start : program.end]
            name = call.name
            yield program.start, program.end, written.replace(name, f"{name}_mpi")
        if place is None:
            yield program.start, program.start, f"mpirun --bind-to none -n {ranks} "
            return
        count = _rank_word(call)
        if count is not None:
            yield count.start, count.end, str(ranks)
        else:
            yield words[place].end, words[place].end, f" -n {ranks}"
    if place is not None and not any(word.text == "--bind-to" for word in words[: call.at]):
        yield words[place].end, words[place].end, " --bind-to none"


def _launcher(call: Call) -> int | None:
    for place, word in enumerate(call.command.words[: call.at]):
        if posixpath.basename(word.text) in _LAUNCHERS:
            return place
    return None


def _rank_word(call: Call) -> Word | None:
    """The word that tells the launcher how many ranks to start."""
    place = _launcher(call)
    if place is None:
        return None
    words = call.command.words
    for at in range(place, call.at - 1):
        if words[at].text in _RANK_OPTIONS:
            return words[at + 1]
    return None


def _with_option(call: Call, option: str, wanted: str) -> Iterator[Edit]:
    """The option (and value) as wanted; taken away where nothing is wanted."""
    span = call.span(option)
    if span is not None:
        yield *span, wanted
    elif wanted:
        end = call.command.words[-1].end
        yield end, end, " " + wanted
