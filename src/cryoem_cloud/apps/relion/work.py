"""What a script's one program of RELION's computes, in numbers: from its words and from headers.

Lists are counted and not taken apart, of images the header of the first one is read, and all others
are taken to be as that one is. What cannot be found out is 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from cryoem_cloud.apps.relion.adapt import left_at_one
from cryoem_cloud.apps.relion.items import given
from cryoem_cloud.apps.relion.items import work as worked_through
from cryoem_cloud.apps.relion.launching import rank_word
from cryoem_cloud.apps.relion.measured import Listed, first_frames, listed_by, measured
from cryoem_cloud.apps.relion.programs.refinement import REFINE
from cryoem_cloud.apps.relion.refined import first_values, listed_in, named, refined
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.apps.relion.subsets import integer_of, passes
from cryoem_cloud.apps.relion.symmetry import order
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.ports.view import View

__all__ = ["work"]

_MOVIE, _MICROGRAPH = "rlnMicrographMovieName", "rlnMicrographName"
_OTHER = Work(program=Program.OTHER)
_BYTES_A_PIXEL, _BYTES_OF_HALF = 4, 2

_CONTINUED = ("rlnNumberOfIterations", "rlnCurrentIteration", "rlnModelStarFile")
_CLASSES = "rlnNrClasses"
_MAPS_OF_HALVES = 3
"""Of a refinement's end: two half maps, and the one of all."""


def work(job: Job, view: View) -> Work | None:
    """See the port: Application.work."""
    programs = [call for call in calls(job.script) if call.program is not None and not call.asks]
    known = [call for call in programs if _READERS.get(_name(call))]
    if not programs:
        return None
    if len(known) != 1:
        return _OTHER
    (call,) = known
    found = _READERS[_name(call)](call, view)
    ranks = 0 if left_at_one(call, job) else _ranks(call, job)
    threads = ranks * max(integer_of(call, "--j", 1), 1)
    return replace(found, divisible=_divisible(job), ranks=ranks, threads=threads)


def _name(call: Call) -> str:
    return call.program.name if call.program is not None else ""


def _divisible(job: Job) -> bool:
    """Whether its list may be cut, as far as its words say."""
    of = worked_through(job.script)
    pieces = of.split.pieces if of is not None else None
    return of is not None and pieces is not None and job.cwd == "." and given(of.call, pieces)


def _ranks(call: Call, job: Job) -> int:
    """How many work, as the user says; of a refinement's one leads."""
    word = rank_word(call)
    ranks = int(word.text) if word is not None and word.text.isdecimal() else job.wish.ranks
    return max(ranks - 1 if _name(call) == REFINE else ranks, 1)


def _motion(call: Call, view: View) -> Work:
    if call.has("--use_motioncor2"):
        return _OTHER
    movies = listed_by(call, "--i", view, {_MOVIE})
    frames = first_frames(movies.first.get(_MOVIE, ""), view)
    if frames is None:
        return Work(program=Program.MOTION, items=movies.rows)
    pixels, count = frames.pixels, frames.count
    if movies.first.get(_MOVIE, "").endswith(".eer"):
        count = max(count // integer_of(call, "--eer_grouping", 40), 1)
        pixels *= integer_of(call, "--eer_upsampling", 1) ** 2
    each = _BYTES_OF_HALF if call.has("--float16") else _BYTES_A_PIXEL
    binned = int(pixels / _number(call, "--bin_factor", 1.0) ** 2)
    return Work(
        program=Program.MOTION,
        items=movies.rows,
        pixels=pixels,
        frames=count,
        input_bytes=movies.rows * frames.file_bytes,
        output_bytes=movies.rows * binned * each * (2 if call.has("--save_noDW") else 1),
    )


def _micrographs(program: Program, call: Call, view: View, label: str) -> Work:
    found = listed_by(call, "--i", view, {label})
    frames = first_frames(found.first.get(label, ""), view)
    return Work(
        program=program,
        items=found.rows,
        pixels=frames.pixels if frames is not None else 0,
        input_bytes=found.rows * (frames.file_bytes if frames is not None else 0),
    )


def _ctf(call: Call, view: View) -> Work:
    label = "rlnCtfPowerSpectrum" if call.has("--use_given_ps") else _MICROGRAPH
    found = _micrographs(Program.CTF, call, view, label)
    return replace(found, on_gpus=call.has("--use_gctf"))


def _picking(call: Call, view: View) -> Work:
    if call.has("--topaz_train") or call.has("--topaz_extract"):
        return _OTHER
    found = _micrographs(Program.PICK, call, view, _MICROGRAPH)
    return replace(found, on_gpus=call.has("--gpu") and not call.has("--LoG"))


def _extraction(call: Call, view: View) -> Work:
    if not call.has("--extract"):
        return _OTHER
    found = _micrographs(Program.EXTRACT, call, view, _MICROGRAPH)
    box = integer_of(call, "--scale", integer_of(call, "--extract_size", 0))
    again = listed_by(call, "--reextract_data_star", view, ())
    each = _BYTES_OF_HALF if call.has("--float16") else _BYTES_A_PIXEL
    return replace(found, box_px=box, output_bytes=again.rows * box**2 * each)


def _ctf_refinement(call: Call, view: View) -> Work:
    found = listed_by(call, "--i", view)
    return Work(
        program=Program.CTF_REFINE,
        items=found.rows,
        box_px=found.box_px,
        input_bytes=found.bytes,
        output_bytes=found.list_bytes,
        essential_bytes=found.list_bytes,
    )


def _polishing(call: Call, view: View) -> Work:
    """It reads movies, which the lists of motion correction name, and no particle's image."""
    found = listed_by(call, "--i", view)
    corrected = listed_by(call, "--corr_mic", view, {"rlnMicrographMetadata"})
    one = listed_in(corrected.first, "rlnMicrographMetadata")
    movie = first_values(view, one, {_MOVIE}).get(_MOVIE, "")
    frames = first_frames(movie, view)
    trains = call.has("--params3") or call.has("--params2")
    box = integer_of(call, "--scale", integer_of(call, "--window", found.box_px))
    made = 0 if trains else found.rows * box**2 * _BYTES_A_PIXEL
    return Work(
        program=Program.POLISH_TRAIN if trains else Program.POLISH,
        items=found.rows,
        box_px=found.box_px,
        pixels=frames.pixels if frames is not None else 0,
        frames=frames.count if frames is not None and not movie.endswith(".eer") else 1,
        input_bytes=corrected.rows * (frames.file_bytes if frames is not None else 0),
        output_bytes=made,
        essential_bytes=0 if trains else found.list_bytes,
    )


def _refinement(call: Call, view: View) -> Work:
    if call.has("--multibody_masks"):
        return _OTHER
    of = refined(call, view)
    asker = f"{call.name} {'--continue' if call.has('--continue') else '--i'}"
    particles = Listed(first={})
    if of.particles:
        particles = measured(of.particles, view, asker=asker)
    box = of.box or particles.box_px
    told = _continued(call, view)
    program = _kind(call, halves=of.halves, maps=of.maps)
    classes = integer_of(call, "--K", told.get(_CLASSES, 1))
    iterations = 0.0
    if call.has("--continue"):
        iterations = float(told.get("left", 0))
    elif program is not Program.REFINE3D:
        iterations = passes(call, particles.rows, flat=not of.maps)
    maps = _MAPS_OF_HALVES if program is Program.REFINE3D else classes
    last = particles.list_bytes + maps * box ** (3 if of.maps else 2) * _BYTES_A_PIXEL
    symmetry = call.value("--sym")
    return Work(
        program=program,
        items=particles.rows,
        box_px=box,
        classes=classes,
        iterations=0 if program is Program.REFINE3D else iterations,
        symmetry=order(symmetry.text) if symmetry is not None else 1,
        pad=of.pad,
        on_gpus=call.has("--gpu"),
        on_vectors=call.has("--cpu"),
        input_bytes=particles.bytes,
        output_bytes=int(last * max(iterations, 1)),
        essential_bytes=last,
    )


def _kind(call: Call, *, halves: bool, maps: bool) -> Program:
    if halves:
        return Program.REFINE3D
    if not maps:
        return Program.CLASS2D
    begins = call.has("--denovo_3dref") or call.has("--sgd")
    return Program.INITIAL if begins else Program.CLASS3D


def _continued(call: Call, view: View) -> dict[str, int]:
    """Of a run that goes on: how many classes it has, and how many iterations are `left`."""
    if not call.has("--continue"):
        return {}
    told = first_values(view, named(call, "--continue"), _CONTINUED)
    model = first_values(view, listed_in(told, "rlnModelStarFile"), {_CLASSES})
    of = {label: int(value) for label, value in (told | model).items() if value.isdecimal()}
    all_ = integer_of(call, "--iter", of.get("rlnNumberOfIterations", 0))
    of["left"] = max(all_ - of.get("rlnCurrentIteration", 0), 0)
    return of


def _number(call: Call, option: str, default: float) -> float:
    """The number above 0 behind an option; what is none is the default."""
    word = call.value(option)
    try:
        found = float(word.text) if word is not None else default
    except ValueError:
        return default
    return found if 0 < found < float("inf") else default


_READERS: Mapping[str, Callable[[Call, View], Work]] = {
    "relion_run_motioncorr": _motion,
    "relion_run_ctffind": _ctf,
    "relion_autopick": _picking,
    "relion_preprocess": _extraction,
    REFINE: _refinement,
    "relion_ctf_refine": _ctf_refinement,
    "relion_motion_refine": _polishing,
}
"""By program, without `_mpi`."""
