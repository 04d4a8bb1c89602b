"""Which files of the project a job opens."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from cryoem_cloud.apps.files import files_below, named_files
from cryoem_cloud.apps.patterns import is_pattern, matching
from cryoem_cloud.apps.relion import names
from cryoem_cloud.apps.relion.lists import Lists
from cryoem_cloud.apps.relion.programs import NO_FILES, UNKNOWN
from cryoem_cloud.apps.relion.readings import MICROGRAPH, needs_screen, readings
from cryoem_cloud.apps.relion.row import Beside, Program, Reading
from cryoem_cloud.apps.relion.script import Call, calls
from cryoem_cloud.model.errors import MissingInputError, RefusedError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.model.paths import is_below
from cryoem_cloud.ports.view import View

__all__ = ["needs"]

_RECORDS = frozenset({"job.star", "job_pipeline.star", "default_pipeline.star"})
"""STAR files in a job's folder that are RELION's own records."""

_MAY_NAME_FILES = re.compile(r"(Name|File|Image|Map|Mask|Coordinates|Metadata|Spectrum|Value)\w*$")
"""Labels whose values the generic rule looks up."""

_COORDINATE = "rlnCoordinateX"


def needs(job: Job, view: View) -> Iterator[Need]:
    """See the port: Application.needs."""
    given: set[tuple[str, bool]] = set()
    for need in _all(job, view):
        if (need.path, need.stub) not in given:
            given.add((need.path, need.stub))
            yield need


def _all(job: Job, view: View) -> Iterator[Need]:
    if job.script_path:
        yield Need(path=job.script_path, asked_by="the queue")
    yield from named_files(view, job.inputs)
    walk = _Walk(view, job.outputs, logs=frozenset(job.logs.values()))
    for call in calls(job.script):
        yield from walk.call(call)


class _Walk:
    """One pass over a job's commands and the lists they follow."""

    def __init__(self, view: View, outputs: tuple[str, ...], logs: frozenset[str]) -> None:
        self._view = view
        self._lists = Lists(view)
        self._outputs = outputs
        self._logs = logs
        self._made = False
        """Whether an earlier command may have made what is in the outputs."""
        self._followed: dict[tuple[str, int], Reading | None] = {}

    def call(self, call: Call) -> Iterator[Need]:
        """What one command needs."""
        for word in call.command.reads:
            yield from self._word(word.text, call.name)
        if not call.silent:
            yield from self._arguments(call)
            self._made = True

    def _arguments(self, call: Call) -> Iterator[Need]:
        row = call.program
        if row is None or row is UNKNOWN:
            for word in call.may_name_files:
                yield from self._word(word.text, call.name)
                if row is None:
                    yield from self._put_by_hand(word.text, call.name)
            return
        if needs_screen(call):
            raise RefusedError(
                f"{call.name} needs a screen, which machines elsewhere do not have",
                hint="run this job on your own computer: in RELION, without submitting to a queue",
            )
        for option, reading in readings(call).items():
            word_ = call.value(option)
            if word_ is None or word_.text in NO_FILES:
                continue
            asker = f"{call.name} {option}"
            if option == "--i" and row.coordinates and call.has("--coord_suffix"):
                yield from self._micrographs(call, word_.text, asker)
            else:
                yield from self._value(word_.text, reading, asker)
        yield from self._kept(call, row)
        for flag, path in row.unnamed.items():
            if call.has(flag) and self._there(path):
                yield Need(path=path, asked_by=f"{call.name} {flag}")

    def _value(self, text: str, reading: Reading, asker: str) -> Iterator[Need]:
        """What an option's value needs."""
        for one in text.split() if reading.several else (text,):
            if is_pattern(one) and not self._there(names.placed(one, asker)):
                for path in self._matches(one, asker):
                    yield from self._file(path, reading, asker)
            else:
                yield from self._file(names.placed(one, asker), reading, asker)

    def _matches(self, pattern: str, asker: str) -> list[str]:
        if pattern.startswith("/"):
            raise RefusedError(
                f"{asker} lists files outside the project: {pattern}",
                hint="link the folder into the project (ln -s) and use that name",
            )
        found = matching(self._view, names.placed(pattern, asker))
        if not found:
            raise MissingInputError(
                f"no file matches {pattern}, for which {asker} asks",
                hint="correct the pattern; it is relative to the project's folder",
            )
        return found

    def _file(self, path: str, reading: Reading, asker: str) -> Iterator[Need]:
        """A file that is read, and what follows from it."""
        if reading.inside and self._view.kind(path) is Kind.FOLDER:
            yield from self._folder(path, reading, asker)
            return
        if not self._there(path):
            unformatted = path.rpartition(":")[0]
            if unformatted and self._there(unformatted):
                path = unformatted
            elif reading.optional or (self._made and self._own(path)):
                return
        yield Need(path=path, stub=reading.only_tests, asked_by=asker)
        for sibling in names.siblings(path):
            if self._there(sibling):
                yield Need(path=sibling, stub=reading.only_tests, asked_by=asker)
        for beside in reading.beside:
            yield from self._beside(path, beside, asker)
        if reading.columns and path.endswith(".star"):
            yield from self._list(path, reading, asker)

    def _folder(self, folder: str, reading: Reading, asker: str) -> Iterator[Need]:
        """The files of a folder that are read."""
        for path in files_below(self._view, folder):
            if any(PurePosixPath(path).match(pattern) for pattern in reading.inside):
                yield Need(path=path, asked_by=asker)

    def _beside(self, path: str, beside: Beside, asker: str) -> Iterator[Need]:
        """A file that follows from the name of another."""
        folder, name = posixpath.split(path)
        changed = re.sub(beside.found, beside.instead, name)
        if changed == name:
            return
        near = posixpath.join(folder, changed)
        found = matching(self._view, near) if is_pattern(changed) else [near]
        for one in found:
            if one != path and not (beside.optional and not self._there(one)):
                yield Need(path=one, asked_by=f"{asker}, beside {path},")

    def _list(self, path: str, reading: Reading, asker: str) -> Iterator[Need]:
        """The files that a STAR file names in the columns that are followed."""
        if (path, id(reading)) in self._followed:
            return
        self._followed[path, id(reading)] = reading
        seen: set[tuple[str, str]] = set()
        for line, label, name in self._lists.leading_on(path, reading, asker):
            if name in NO_FILES or (label, name) in seen:
                continue
            seen.add((label, name))
            row_asks = f"{path} line {line}"
            inside = names.listed(name, row_asks)
            yield from self._file(inside, reading.columns[label], row_asks)

    def _micrographs(self, call: Call, text: str, asker: str) -> Iterator[Need]:
        """Micrographs for Extract: only those that have coordinates are opened, and the first."""
        path = names.placed(text, asker)
        yield Need(path=path, asked_by=asker)
        folder, suffix = call.value("--coord_dir"), call.value("--coord_suffix")
        first = True
        for line, values in self._lists.rows(path, MICROGRAPH.__eq__, asker):
            row_asks = f"{path} line {line}"
            micrograph = names.listed(values[MICROGRAPH], row_asks)
            picked = False
            if folder is not None and suffix is not None:
                coordinates = names.placed(
                    names.coordinate_file(values[MICROGRAPH], folder.text, suffix.text), row_asks
                )
                if self._there(coordinates):
                    yield Need(path=coordinates, asked_by=f"{row_asks} and --coord_suffix")
                    picked = self._has_picks(coordinates)
            if first or picked or self._there(micrograph):
                yield Need(path=micrograph, stub=not (first or picked), asked_by=row_asks)
            first = False

    def _has_picks(self, path: str) -> bool:
        if not path.endswith(".star"):
            return True
        return any(True for _ in self._lists.rows(path, _COORDINATE.__eq__, path))

    def _kept(self, call: Call, row: Program) -> Iterator[Need]:
        """The job's own files from earlier, where it goes on with them."""
        for kept in row.kept:
            if kept.flag and not call.has(kept.flag):
                continue
            for folder in self._outputs:
                for path in files_below(self._view, folder):
                    name = posixpath.basename(path)
                    if PurePosixPath(name).match(kept.pattern) and name not in _RECORDS:
                        yield Need(path=path, stub=kept.only_tests, asked_by=kept.flag)

    def _word(self, text: str, asker: str) -> Iterator[Need]:
        """The generic rule for a word: the file it may be, and all that follows."""
        if text in NO_FILES or text.startswith("-") or "\0" in text:
            return
        if text.startswith("/"):
            if names.outside_data(text, self._view):
                yield from self._anything(names.placed(text, asker), asker)
            return
        for one in dict.fromkeys((text, *text.split())):
            for path in self._existing(one, asker):
                yield from self._anything(path, asker)

    def _put_by_hand(self, text: str, asker: str) -> Iterator[Need]:
        """The file in the job's own folder that a program not of RELION's is given by its name."""
        for path in self._existing(text, asker):
            if self._own(path) and path not in self._logs:
                yield Need(path=path, asked_by=asker)

    def _existing(self, text: str, asker: str) -> Iterator[str]:
        """The project's files that a word may mean."""
        if text.startswith(("/", "-", "~", "$")) or not text:
            return
        try:
            path = names.placed(text, asker)
        except RefusedError:
            if self._view.kind(text) is not None:
                raise
            return
        if self._view.kind(path) is Kind.FOLDER:
            if path != "." and not self._own(path):
                yield from files_below(self._view, path)
        elif self._there(path):
            yield path
        elif is_pattern(path):
            yield from (found for found in matching(self._view, path) if self._there(found))

    def _anything(self, path: str, asker: str) -> Iterator[Need]:
        """A file and, by the generic rule, all that it names and its other half."""
        if self._own(path) or (path, 0) in self._followed:
            return
        pending = [(path, asker)]
        while pending:
            here, asked_by = pending.pop()
            if (here, 0) in self._followed:
                continue
            self._followed[here, 0] = None
            yield Need(path=here, asked_by=asked_by)
            half = names.other_half(here)
            pending += [
                (near, asked_by) for near in (half, *names.siblings(here)) if self._there(near)
            ]
            if here.endswith(".star"):
                pending += self._named_in(here, asked_by)

    def _named_in(self, path: str, asker: str) -> list[tuple[str, str]]:
        """The existing files that any column of a STAR file names, each with who asks."""
        found: dict[str, str] = {}
        tried: set[str] = set()
        for line, _, name in self._lists.named_files(path, _may_name_a_file, asker):
            if name in tried:
                continue
            tried.add(name)
            if name not in NO_FILES and self._there(names.looked_up(name)):
                found[names.listed(name, f"{path} line {line}")] = f"{path} line {line}"
        return [(name, asked_by) for name, asked_by in found.items() if not self._own(name)]

    def _there(self, path: str) -> bool:
        return self._view.kind(path) is Kind.FILE

    def _own(self, path: str) -> bool:
        return any(is_below(path, folder) for folder in self._outputs)


def _may_name_a_file(label: str) -> bool:
    return _MAY_NAME_FILES.search(label) is not None
