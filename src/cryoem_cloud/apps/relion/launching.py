"""Words of a command that say how its program is started: ranks, threads, GPUs."""

import posixpath
from collections.abc import Iterator

from cryoem_cloud.apps.bash import Word
from cryoem_cloud.apps.relion.counts import Counts
from cryoem_cloud.apps.relion.edits import Edit
from cryoem_cloud.apps.relion.row import Program
from cryoem_cloud.apps.relion.script import Call
from cryoem_cloud.ports.application import Shape

__all__ = ["counted_as", "gpus_for", "launched", "launcher", "rank_word", "variable", "with_wanted"]

_LAUNCHERS = frozenset({"mpirun", "mpiexec", "orterun"})
_RANK_OPTIONS = frozenset({"-n", "--n", "-np", "--np", "-c", "-N"})


def gpus_for(call: Call, row: Program, shape: Shape) -> int:
    """How many GPUs of the machine the call may use."""
    return shape.gpus if row.gpu and call.holds(row.gpu) else 0


def counted_as(call: Call, row: Program, counts: Counts, script: str) -> Iterator[Edit]:
    """With these counts, whatever the command says."""
    if row.gpu:
        yield from with_wanted(call, "--gpu", '--gpu ""' if counts.gpus else "")
    if row.threads:
        yield from with_wanted(call, row.threads, f"{row.threads} {counts.threads}")
    yield from launched(call, counts.ranks, script)


def launched(call: Call, ranks: int, script: str) -> Iterator[Edit]:
    """With that many ranks; threads are never bound to one core."""
    place = launcher(call)
    words = call.command.words
    program = words[call.at]
    if ranks > 1:
        if not call.mpi:
            written = script[program.start : program.end]
            name = call.name
            yield program.start, program.end, written.replace(name, f"{name}_mpi")
        if place is None:
            start, end = program.start, program.start
            if call.mpi and (word := variable(call)) is not None:  # which starts ranks itself
                start, end = word.start, program.start
            yield start, end, f"mpirun --bind-to none -n {ranks} "
            return
        count = rank_word(call)
        if count is not None:
            yield count.start, count.end, str(ranks)
        else:
            yield words[place].end, words[place].end, f" -n {ranks}"
    if place is not None and not any(word.text == "--bind-to" for word in words[: call.at]):
        yield words[place].end, words[place].end, " --bind-to none"


def launcher(call: Call) -> int | None:
    """The place of the word that starts ranks, if one does."""
    for place, word in enumerate(call.command.words[: call.at]):
        if posixpath.basename(word.text) in _LAUNCHERS:
            return place
    return None


def variable(call: Call) -> Word | None:
    """The one word before the program, if the script computes it, as the queue's template does."""
    words = call.command.words[: call.at]
    return words[0] if len(words) == 1 and words[0].text.startswith("$") else None


def rank_word(call: Call) -> Word | None:
    """The word that tells the launcher how many ranks to start."""
    place = launcher(call)
    if place is None:
        return None
    words = call.command.words
    for at in range(place, call.at - 1):
        if words[at].text in _RANK_OPTIONS:
            return words[at + 1]
    return None


def with_wanted(call: Call, option: str, wanted: str) -> Iterator[Edit]:
    """The option (and value) as wanted; taken away where nothing is wanted."""
    span = call.span(option)
    if span is not None:
        yield *span, wanted
    elif wanted:
        end = call.command.words[-1].end
        yield end, end, " " + wanted
