"""A job's script for the machine that runs it.

The user's text stays as it is but for single words: counts where the user left one rank and one
thread or where the program would refuse them, the scratch disk, images in memory that have no room
there, and what a machine has elsewhere: inputs from outside the project, and programs that are not
RELION's. Where a machine may be too small, a line at the top has the script say so.
"""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryoem_cloud.apps.bash import Word
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.patterns import is_pattern
from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.counts import Counts
from cryoem_cloud.apps.relion.edits import Edit, edited, without_flag
from cryoem_cloud.apps.relion.executables import in_use, is_resmap
from cryoem_cloud.apps.relion.fitting import fit
from cryoem_cloud.apps.relion.launching import (
    counted_as,
    gpus_for,
    launcher,
    rank_word,
    with_wanted,
)
from cryoem_cloud.apps.relion.programs import NO_FILES, UNKNOWN
from cryoem_cloud.apps.relion.programs.calling import RESMAP
from cryoem_cloud.apps.relion.programs.refinement import REFINE
from cryoem_cloud.apps.relion.readings import readings
from cryoem_cloud.apps.relion.row import Program
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.paths import OUTSIDE, STAGED_OUTSIDE
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.view import View

__all__ = ["adapted", "left_at_one", "worker_environment"]

_DISK = Here(Path("/"))


def adapted(job: Job, shape: Shape, view: View) -> str:
    """See the port: Application.adapted. Called on the submitter's computer.

    Raises:
        FormatError: The script is not bash.
        RefusedError: It names a file that cannot travel.
    """
    edits: list[Edit] = []
    remarks: list[str] = []
    for call in calls(job.script):
        edits += _outside(call)
        edits += _executables(call, shape)
        if call.program is not None and not shape.fixed and not call.asks:
            edits += _scratch(call, call.program, shape)
            free = left_at_one(call, job)
            if call.program.name == REFINE:
                fitted = fit(call, call.program, shape, view, job=job, free=free)
                edits += fitted.edits
                remarks += fitted.remarks
            elif free:
                counts = _counts(call, call.program, shape)
                edits += counted_as(call, call.program, counts, job.script)
    return _saying(remarks, edited(job.script, edits))


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
            yield from with_wanted(call, executable.option, f"{executable.option} {place}")
        else:
            at = launcher(call)
            first = words[call.at if at is None else at]
            yield first.start, first.start, f"env {executable.variable}={place} "


def left_at_one(call: Call, job: Job) -> bool:
    """Whether the user left the counts to us: one rank, one thread."""
    threads = call.value("--j")
    ranks = rank_word(call)
    return (
        job.wish.ranks == 1
        and job.wish.threads == 1
        and (threads is None or threads.text == "1")
        and (ranks is None or ranks.text == "1")
        and not call.mpi
    )


def _scratch(call: Call, row: Program, shape: Shape) -> Iterator[Edit]:
    """The scratch disk is the machine's own, whatever the user has; nothing lies there yet."""
    if not row.scratch:
        return
    yield from without_flag(call, "--reuse_scratch")
    wanted = f"--scratch_dir {shlex.quote(shape.scratch)}" if shape.scratch else ""
    yield from with_wanted(call, "--scratch_dir", wanted)


def _counts(call: Call, row: Program, shape: Shape) -> Counts:
    gpus = gpus_for(call, row, shape)
    alone = row.threads or row.ranks is None or not call.holds(row.ranks)
    return Counts(1 if alone else gpus or shape.cores, shape.cores, gpus)


def _saying(remarks: list[str], script: str) -> str:
    """The script, which says the remarks first: behind the line that names its shell."""
    start = script.find("\n") + 1 if script.startswith("#!") else 0
    said = "".join(f"echo {shlex.quote('cryoem: ' + remark)}\n" for remark in remarks)
    return script[:start] + said + script[start:]
