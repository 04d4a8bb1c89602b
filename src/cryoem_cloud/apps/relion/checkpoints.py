"""How relion_refine goes on: from the newest iteration that is whole, under the same names.

What it takes from its command where it continues is in MlOptimiser::parseContinue, and what an
iteration's files are and in which order they are written in MlOptimiser::write (ml_optimiser.cpp of
3.1.3 and 5.0.1). None of them is whole at once; the sampling comes last.
"""

import os
import posixpath
import re
import shlex
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

from cryoem_cloud.apps.bash import Word
from cryoem_cloud.apps.relion import closure, names
from cryoem_cloud.apps.relion.edits import Edit, edited
from cryoem_cloud.apps.relion.lists import Lists
from cryoem_cloud.apps.relion.programs import NO_FILES
from cryoem_cloud.apps.relion.programs.refinement import REFINE
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.model.errors import FormatError, MissingInputError, RefusedError
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.paths import normal
from cryoem_cloud.ports.application import Resumed
from cryoem_cloud.ports.view import View

__all__ = ["is_refine", "iteration", "resumed", "seals"]

_SEAL = re.compile(r"_it(?P<number>\d{3,})_sampling\.star")
_OF_ITERATION = re.compile(r"_it(?P<number>\d{3,})_.+")
"""What stands behind the root of an iteration's last file, and of any."""

_ONCE = re.compile(r"_(?:unmasked_.+|bodies\.bild|body\d+_mask\.mrc)")
"""What stands behind the root of files that a continued run does not make, or only later."""

_END = re.compile(rb"\n[ \t]*\n\Z")
_TAIL = 16
"""Bytes in which it is found."""

_TOLD_ONCE = """
    --i --ref --continue --model --sampling --sigma --ini_high --firstiter_cc --K --sym --ctf
    --auto_refine --split_random_halves --low_resol_join_halves --auto_sampling --zero_mask
    --random_seed --denovo_3dref --no_init_blobs --grad --grad_min_resol --sgd
    --sgd_sigma2fudge_halflife --sgd_sigma2fudge_initial --sgd_skip_anneal --stochastic_em
    --ref_angpix --dont_check_norm --nr_parts_sigma2noise --ctf_corrected_ref --ctf_uncorrected_ref
    --ctf_intact_first_peak --ctf_phase_flipped --only_flip_phases --adaptive_fraction --coarse_size
    --incr_size --maskedge --fix_sigma_noise --fix_sigma_offset --fast_subsets --fourier_mask
    --strict_lowres_exp --limit_tilt --local_symmetry --offset_range_x --offset_range_y
    --offset_range_z --tomograms --trajectories --helix --ignore_helical_symmetry
    --helical_exclude_resols --helical_keep_tilt_prior_fixed --helical_nr_asu --helical_nstart
    --helical_offset_step --helical_rise_initial --helical_rise_inistep --helical_rise_max
    --helical_rise_min --helical_sigma_distance --helical_symmetry_search --helical_twist_initial
    --helical_twist_inistep --helical_twist_max --helical_twist_min --helical_z_percentage
"""
_NOT_CONTINUED = frozenset(_TOLD_ONCE.split())
"""Options that a continued run has from its files: it does not take them, and warns.

But --sigma, which it takes: it would put the first spectrum of the noise over the refined one.
"""

_FORGOTTEN = "--som"
"""Maps that organise themselves are written down, but not read again."""


def seals(job: Job, path: str) -> bool:
    """See the port: Application.seals. Of a script that is not bash nothing is known.

    Iterations that are never gone on from are not sealed: who has no others has not come further.
    """
    return any(
        _SEAL.fullmatch(_behind(path, root)) and (_number(path, root) or 0) >= first
        for root, first in _roots(job.script)
    )


def iteration(script: str, path: str) -> int | None:
    """The number of the iteration whose last file that is; None: it is no such file."""
    for root, _ in _roots(script):
        if _SEAL.fullmatch(_behind(path, root)):
            return _number(path, root)
    return None


def resumed(job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
    """See the port: Application.resumed.

    Of an iteration whose files are not all there, or cannot be followed, nothing is gone on from.
    """
    run, ours = _run(script), _run(job.script)
    if run is None or ours is None or job.cwd != ".":
        return None
    there = frozenset(made)
    numbers = {path: at for path in there if (at := _number(path, run.root)) is not None}
    sealed = {at for path, at in numbers.items() if _SEAL.fullmatch(_behind(path, run.root))}
    for number in sorted((at for at in sealed if at >= _first(run.call)), reverse=True):
        optimiser = f"{run.root}_it{number:03d}_optimiser.star"
        with suppress(FormatError, MissingInputError, RefusedError, OSError):
            output = _spelling(run, optimiser, view)
            needed = _needed(job, ours.continued(job.script, optimiser, output), view)
            own = [path for path in needed if _number(path, run.root) is not None]
            if not there.issuperset(own) or not all(_whole(path, view) for path in own):
                continue
            reads = needed & there
            once = {path for path in there if _ONCE.fullmatch(_behind(path, run.root))}
            return Resumed(
                script=run.continued(script, optimiser, output),
                reads=reads,
                tests=frozenset(),
                stands=reads | once | {path for path, at in numbers.items() if at <= number},
                idle=_needed_at_first(job, ours, view) - needed,
            )
    return None


@dataclass(frozen=True, slots=True)
class _Run:
    """The one call of relion_refine in a script, the word behind its --o, and that as a path."""

    call: Call
    output: Word
    root: str

    def continued(self, script: str, optimiser: str, output: str) -> str:
        """The script, which holds the call, going on from that file under that root."""
        program = self.call.command.words[self.call.at]
        edits = [*_without(script, self.call, _NOT_CONTINUED)]
        edits.append((program.end, program.end, f" --continue {shlex.quote(optimiser)}"))
        if output != self.output.text:
            edits.append((self.output.start, self.output.end, shlex.quote(output)))
        return edited(script, edits)


def _run(script: str) -> _Run | None:
    """The run that a script consists of, apart from what comes after it."""
    with suppress(FormatError):
        programs = [call for call in calls(script) if call.program is not None]
        runs = [call for call in programs if is_refine(call)]
        if len(runs) == 1 and runs == programs[:1] and not runs[0].asks:
            output, root = runs[0].value("--o"), _root(runs[0])
            if output is not None and root and not runs[0].has(_FORGOTTEN):
                return _Run(runs[0], output, root)
    return None


def is_refine(call: Call) -> bool:
    """Whether it is relion_refine, in whichever of its forms."""
    return call.program is not None and call.program.name == REFINE


@lru_cache(maxsize=8)
def _roots(script: str) -> tuple[tuple[str, int], ...]:
    """With the first iterations that may be gone on from; asked for every output of the script."""
    with suppress(FormatError):
        runs = [call for call in calls(script) if is_refine(call)]
        return tuple((root, _first(call)) for call in runs if (root := _root(call)))
    return ()


def _first(call: Call) -> int:
    """The first iteration that may be gone on from.

    The one before the first knows nothing yet. Where the first one correlates, classes come
    apart in the second, and continued runs leave that out.
    """
    classes = call.value("--K")
    several = classes is not None and classes.text != "1"
    return 2 if several and call.has("--firstiter_cc") else 1


def _root(call: Call) -> str:
    """The path that the names of a run's files start with; "" where it is not known."""
    told = call.value("--o")
    with suppress(RefusedError):
        return normal(told.text) if told is not None else ""
    return ""


def _behind(path: str, root: str) -> str:
    """What of a path stands behind a root; "" if it does not start so."""
    return path.removeprefix(root) if path.startswith(root) else ""


def _number(path: str, root: str) -> int | None:
    """The iteration to which a file of that root belongs, if to any."""
    found = _OF_ITERATION.fullmatch(_behind(path, root))
    return int(found["number"]) if found else None


def _without(script: str, call: Call, options: Collection[str]) -> Iterator[Edit]:
    """None of these options is given, nor its value; the blanks before it go too."""
    words = call.arguments
    for place, word in enumerate(words):
        if word.text in options:
            behind = words[place + 1 : place + 2]
            valued = bool(behind) and not behind[0].text.startswith("--")
            start = len(script[: word.start].rstrip(" "))
            yield start, behind[0].end if valued else word.end, ""


def _spelling(run: _Run, optimiser: str, view: View) -> str:
    """How the root is to be written.

    A continued run of several bodies that is told the very root that it has had adds _ctN to it;
    other runs take it as it is told.
    """
    values: dict[str, str] = {}
    wanted = {"rlnOutputRootName", "rlnBodyStarFile"}
    for _, row in Lists(view).rows(optimiser, wanted.__contains__, run.call.name):
        values |= row
    several = values.get("rlnBodyStarFile", "None") not in NO_FILES
    if several and values.get("rlnOutputRootName") == run.output.text:
        folder, name = posixpath.split(run.root)
        return f"{folder or '.'}//{name}" if "//" not in run.output.text else run.root
    return run.output.text


def _whole(path: str, view: View) -> bool:
    """Whether a list ends as RELION ends tables, with a line of nothing but a blank; not of maps.

    Where a signal ends a program while its ranks write an iteration, one's list may lack its end
    though another has written the sampling. Each writes its list after its map.
    """
    if not path.endswith(".star"):
        return True
    with view.open(path) as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
        return _END.search(file.read()) is not None


def _needed(job: Job, script: str, view: View) -> frozenset[str]:
    """The files that a script opens."""
    needs = closure.needs(replace(job, script=script), view)
    return frozenset(need.path for need in needs if not need.stub)


def _needed_at_first(job: Job, run: _Run, view: View) -> frozenset[str]:
    """The files that a run opens where it begins, but for the images that its particles name.

    The particles of any iteration name the same ones.
    """
    particles = run.call.value("--i")
    others = edited(job.script, _without(job.script, run.call, {"--i"}))
    found = {names.placed(particles.text, run.call.name)} if particles is not None else set()
    return _needed(job, others, view) | found
