"""Brings a job's inputs into the store: what it asks for, less what the store holds already."""

import secrets
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.needed import require_file, where, without_doubles
from cryoem_cloud.courier.sending.recording import Recording
from cryoem_cloud.courier.sending.unsent import Place, Sent, Unsent
from cryoem_cloud.model.errors import MissingInputError, SourceChangedError
from cryoem_cloud.model.file import Content, Entry, Kind, Stamp
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.keys import bundle_key, mirror_key, unremoved_key
from cryoem_cloud.model.links import inner_link
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.bundle import BUNDLED_BYTES, groups, send_bundle
from cryoem_cloud.mover.decoder import leave_decoder
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.push import digest_file, keep_file
from cryoem_cloud.mover.settling import may_be_written
from cryoem_cloud.mover.stamp import stamp_of
from cryoem_cloud.ports.store import Store

__all__ = ["WRITTEN", "Upload"]

WRITTEN = "it is being written; once it is whole, the next push sends it"
_GONE = "it has gone away"

_T = TypeVar("_T")

_STREAMS = 8
_BUNDLE_STREAMS = 16
_FEWEST_BUNDLED = 16
"""Fewer small files go as objects of their own, which people find under their names."""
_LOOKED_AT = 100
"""Files that a thread looks at in one go; a folder of another computer's answers many at a time."""
_RECORD_FILES = 5000
"""Files in one index record; what was sent before an interruption is not sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Sends inputs of one project. `moved` is told of bytes as they go, and may end that.

    With `distrust` every file is read and compared by its digest, whatever its time says. Where the
    folder is `alive`, files that are being written, change or go away are `left_out`, which says
    why, by path; elsewhere they end the sending.
    """

    store: Store
    project: Project
    cache: Cache
    by_reference: bool
    moved: Callable[[int], None]
    engine: Engine
    distrust: bool = False
    alive: bool = False
    left_out: dict[str, str] = field(default_factory=dict)

    def entries(self, purpose: str, needs: Iterable[Need]) -> tuple[Entry, ...]:
        """The needs as entries, their bytes in the store and recorded in the index.

        What was found in the store, and is removed by a record before ours, is sent again.

        `purpose` is written into the index beside them, for people.

        Raises:
            MissingInputError: A file is neither here nor in the store; nothing more is sent.
            SourceChangedError: A file changed while it was read.
            Neither, where the folder is alive.
        """
        recording = Recording(self.store, self.project, self.cache, self.engine.journals)
        self.cache.refresh(recording.index, self.project.name)
        wanted = [need for need in without_doubles(needs) if self._is_there(need)]
        made: list[Entry] = []
        with ThreadPoolExecutor(max_workers=_STREAMS) as pool:
            for start in range(0, len(wanted), _RECORD_FILES):
                some: Sequence[Need] = wanted[start : start + _RECORD_FILES]
                while some:
                    entries = self._recorded(pool, recording, purpose, some)
                    removed = self.cache.removed(self.project.name, entries)
                    there = [entry for entry in entries if entry.path not in removed]
                    recording.stand(there)
                    made += there
                    some = [need for need in some if need.path in removed]
        return tuple(made)

    def _recorded(
        self, pool: ThreadPoolExecutor, recording: Recording, purpose: str, needs: Sequence[Need]
    ) -> list[Entry]:
        """The needs as entries, sent and recorded; their objects may be removed by then."""
        known = self.cache.entries(self.project.name, [need.path for need in needs])
        found = self._found(pool, needs, known)
        unsent = [one for one in found if isinstance(one, Unsent)]
        sent = self._sent(pool, unsent)
        named = (sent.get(one.path) if isinstance(one, Unsent) else one for one in found)
        entries = [entry for entry in named if entry is not None]
        if any(entry.content and entry.content.codecs for entry in sent.values()):
            leave_decoder(self.store)
        recording.record(purpose, entries, known)
        recording.forget(unsent)
        return entries

    def missing_bytes(self, needs: Iterable[Need]) -> int:
        """An upper bound of what must be sent, in bytes: files whose path is new to the index."""
        return sum(
            stamp_of(where(self.project.folder, need.path)).size
            for need in needs
            if not need.stub and not need.target and self._is_new(need)
        )

    def _is_new(self, need: Need) -> bool:
        file = where(self.project.folder, need.path)
        return file.is_file() and self.cache.entry(self.project.name, need.path) is None

    def _is_there(self, need: Need) -> bool:
        self._unless_it_changes(need.path, partial(self._look, need))
        return need.path not in self.left_out

    def _unless_it_changes(self, path: str, call: Callable[[], _T]) -> _T | None:
        """What `call` gives; None where the file is left out, as it changes or is gone."""
        try:
            return call()
        except (MissingInputError, FileNotFoundError, SourceChangedError) as error:
            if not self.alive:
                raise
            self.left_out[path] = WRITTEN if isinstance(error, SourceChangedError) else _GONE
            return None

    def _look(self, need: Need) -> None:
        if need.target:
            return
        try:
            require_file(need, where(self.project.folder, need.path))
        except MissingInputError:
            if self._stored(need) is None:
                raise

    def _stored(self, need: Need) -> Entry | None:
        entry = self.cache.entry(self.project.name, need.path)
        if entry is None or entry.content is None or entry.content.reference:
            return None  # what names a file of a computer's is never recorded by us
        return entry

    def _found(
        self, pool: ThreadPoolExecutor, needs: Sequence[Need], known: Mapping[str, Entry]
    ) -> list[Entry | Unsent]:
        """Each need as an entry, if the store has its bytes, or as a file that has to be read."""
        some = [needs[at : at + _LOOKED_AT] for at in range(0, len(needs), _LOOKED_AT)]

        def looked_at(few: Sequence[Need]) -> list[Entry | Unsent | None]:
            calls = ((need.path, partial(self._entry, need, known)) for need in few)
            return [self._unless_it_changes(path, call) for path, call in calls]

        looked = chain.from_iterable(pool.map(looked_at, some))
        found = [one for one in looked if one is not None]
        if not self.distrust:
            found = self._without_known(found, known)
        return [one for one in found if not self._is_being_written(one)]

    def _is_being_written(self, one: Entry | Unsent) -> bool:
        """Whether it is left out, as somebody may be writing it."""
        if not self.alive or not isinstance(one, Unsent):
            return False
        if not may_be_written(one.file, one.stamp, time.time_ns()):
            return False
        self.left_out[one.path] = WRITTEN
        return True

    def _entry(self, need: Need, known: Mapping[str, Entry]) -> Entry | Unsent:
        if need.target:
            return inner_link(need.path, need.target)
        file = where(self.project.folder, need.path)
        try:
            found = file.stat()
        except (FileNotFoundError, NotADirectoryError):
            stored = self._stored(need)
            if stored is None:
                raise MissingInputError(
                    f"{need.path} is gone; {need.asked_by} asks for it"
                ) from None
            return Entry(path=need.path, kind=Kind.STUB) if need.stub else stored
        if stat.S_ISDIR(found.st_mode):
            return Entry(path=need.path, kind=Kind.FOLDER)
        if need.stub:
            return Entry(path=need.path, kind=Kind.STUB)
        return Unsent.at(need.path, file, found, seen=need.path in known)

    def _without_known(
        self, found: list[Entry | Unsent], known: Mapping[str, Entry]
    ) -> list[Entry | Unsent]:
        """Files that were digested as they are, and whose bytes the store has, as entries."""
        files = [(one.file, one.stamp) for one in found if isinstance(one, Unsent)]
        digests = self.cache.digests(files)
        elsewhere = self.cache.contents(self.project.name, list(set(digests.values())))

        def entry(unsent: Unsent) -> Entry | Unsent:
            digest = digests.get(unsent.file, "")
            before = known.get(unsent.path)
            content = before.content if before else None
            if content is None or content.digest != digest:
                content = elsewhere.get(digest)
            return unsent.entry((unsent.stamp, content)) if content else unsent

        return [entry(one) if isinstance(one, Unsent) else one for one in found]

    def _known(self, digest: str) -> Content | None:
        return self.cache.content(self.project.name, digest)

    def _sent(self, pool: ThreadPoolExecutor, unsent: list[Unsent]) -> dict[str, Entry]:
        """Store the bytes of files, once where one has several names; the entries, by path.

        Many small ones go together, but where their folder is cloned.
        """
        firsts = {one.place: one for one in reversed(unsent)}
        small = [one for one in firsts.values() if one.stamp.size <= BUNDLED_BYTES]
        if self.store.properties.local or self.by_reference or len(small) < _FEWEST_BUNDLED:
            small = []
        bundled = {one.place for one in small}
        alone = [one for place, one in firsts.items() if place not in bundled]
        with (
            ThreadPoolExecutor(max_workers=_BUNDLE_STREAMS) as bundles,
            self.engine.ending_with_the_program(),
        ):
            together = bundles.map(self._send_together, groups(small, lambda one: one.stamp.size))
            sent = dict(found for found in pool.map(self._send, alone) if found is not None)
            for some in together:
                sent |= some
        for one in unsent:
            if one.place not in sent:  # it has several names
                self.left_out.setdefault(one.path, WRITTEN)
        return {one.path: one.entry(sent[one.place]) for one in unsent if one.place in sent}

    def _send_together(self, unsent: Sequence[Unsent]) -> dict[Place, Sent]:
        try:
            return self._bundled(unsent)
        except (SourceChangedError, FileNotFoundError):
            if not self.alive:
                raise
        each = map(self._send, unsent)  # one of them changes
        return dict(found for found in each if found is not None)

    def _bundled(self, unsent: Sequence[Unsent]) -> dict[Place, Sent]:
        sent = send_bundle(
            self.store,
            [one.file for one in unsent],
            project=self.project.name,
            key=bundle_key(secrets.token_hex(8)),
            known=lambda digests: self.cache.contents(self.project.name, digests),
            engine=self.engine,
            moved=self.moved,
        )
        if self.alive and any(s != one.stamp for one, (s, _) in zip(unsent, sent, strict=True)):
            raise SourceChangedError("a small file was written before it was read")
        self.cache.remember(
            (one.file, stamp, content.digest)
            for one, (stamp, content) in zip(unsent, sent, strict=True)
        )
        return {one.place: each for one, each in zip(unsent, sent, strict=True)}

    def _send(self, unsent: Unsent) -> tuple[Place, Sent] | None:
        sent = self._unless_it_changes(unsent.path, partial(self._stored_as_seen, unsent))
        if sent is None:
            return None
        self.cache.remember([(unsent.file, sent[0], sent[1].digest)])
        return unsent.place, sent

    def _stored_as_seen(self, unsent: Unsent) -> Sent:
        """Store the bytes, in a folder that is alive those that were there when it was whole."""
        sent = self._stored_now(unsent)
        if self.alive and sent[0] != unsent.stamp:
            raise SourceChangedError(f"{unsent.file} was written before it was read")
        return sent

    def _stored_now(self, unsent: Unsent) -> Sent:
        """Store the bytes, unless the store has them under another name or from another time."""
        if self.by_reference or unsent.seen or self._may_be_known(unsent):
            stamp, digester = digest_file(unsent.file)
            if self.by_reference:
                return stamp, _reference(unsent.file, stamp, digester.digest)
            for digest in digester.digests:
                if (content := self._known(digest)) is not None:
                    return stamp, content
        return keep_file(
            self.store,
            unsent.file,
            project=self.project.name,
            key=self._key(unsent.path),
            moved=self.moved,
            engine=self.engine,
        )

    def _key(self, path: str) -> str:
        """Where a file goes first: nowhere that one of its objects was removed from."""
        return unremoved_key(mirror_key(path), partial(self.cache.was_removed, self.project.name))

    def _may_be_known(self, unsent: Unsent) -> bool:
        return self.cache.may_have(self.project.name, unsent.stamp.size, unsent.beginning)


def _reference(file: Path, stamp: Stamp, digest: str) -> Content:
    return Content(
        key=str(file), start=0, stored=stamp.size, size=stamp.size, digest=digest, reference=True
    )
