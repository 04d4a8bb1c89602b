"""Sends one large file in parts: gone on with after a break, whole or not at all."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.model.checks import checks_of_parts
from cryoem_cloud.model.digest import digest_of_blocks, recorded
from cryoem_cloud.model.errors import (
    ObjectExistsError,
    ObjectMissingError,
    SourceChangedError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.model.file import BLOCK_BYTES, Content, Stamp
from cryoem_cloud.mover.cut import Cut, missing_bytes, rows_of
from cryoem_cloud.mover.encoding import Use
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.journal import Journal, Plan, Sent, Story, opened
from cryoem_cloud.mover.planning import cut_by, planned, store_gain
from cryoem_cloud.mover.source import Source
from cryoem_cloud.mover.spill import Spill
from cryoem_cloud.mover.trusting import still_true
from cryoem_cloud.ports.parts import Buffer, Parts, bytes_in
from cryoem_cloud.ports.store import Store

__all__ = ["send_in_parts"]

_ENCODING_BYTES = 12 * 1024 * 1024
"""What encoding one block takes besides the block: what the filter makes of it, and the check."""
_MOST_HELD_BYTES = 64 * 1024 * 1024
"""Of an encoded part; what is more waits on disk."""
_LEAST_PADDING = 8

Moved = Callable[[int], None]


def send_in_parts(
    engine: Engine, store: Store, path: Path, *, project: str, key: str, moved: Moved
) -> tuple[Stamp, Content]:
    """As `push.send_file`, to a store that takes objects in parts.

    With a folder for journals, a break costs what was in flight; without one the upload begins
    anew.

    Raises:
        ObjectExistsError: The key is taken.
        SourceChangedError: The file changed meanwhile; there is no object.
    """
    full = f"{project}/{key}"
    with (
        Source(path) as source,
        opened(engine.journals, store=store.url, key=full, path=path) as journal,
    ):
        story = still_true(engine, source, journal.read()) if journal else Story()
        plan, use = planned(engine, source, store, project=project, key=key, before=story.plan)
        upload = _Upload(engine, store, source, journal, plan, use, project, moved)
        return source.stamp, upload.content_after(story)


@dataclass(slots=True)
class _Upload:
    """The upload of one file as planned."""

    engine: Engine
    store: Store
    source: Source
    journal: Journal | None
    plan: Plan
    use: Use | None
    project: str
    moved: Moved
    id: str = ""

    @property
    def parts(self) -> Parts:
        found = self.store.parts
        if found is None:
            raise StoreError(f"{self.store.url} takes no objects in parts")
        return found

    @property
    def cut(self) -> Cut:
        return cut_by(self.plan)

    def content_after(self, story: Story) -> Content:
        """The file's content once it is there, with what the story says already done."""
        if story.content is not None and story.plan == self.plan and self._is_stored(story.content):
            self.moved(story.content.size)
            return story.content
        sent = self._sent_before(story)
        if sent is None:
            return self._arrived(self._content(story.sent.values()))
        for part in sent:
            self.moved(self.cut.bytes_of(part.part.number))
        done = {part.part.number for part in sent}
        numbers = (number for number in range(1, self.cut.parts + 1) if number not in done)
        try:
            return self._completed([*sent, *self.engine.each(self._send, numbers)])
        except ObjectMissingError as error:
            self._give_up(error)
            raise StoreUnreachableError(
                f"somebody has ended the upload of {self.source.path}",
                hint="it begins anew when it is tried again",
            ) from error
        except BaseException as error:
            self._give_up(error)
            raise

    def _sent_before(self, story: Story) -> list[Sent] | None:
        """The parts that are there, of the upload that is gone on with; None: it was completed."""
        if story.upload and story.content is None:
            self.id = story.upload
            if story.plan == self.plan:
                with suppress(ObjectMissingError):
                    there = {part.number: part for part in self.parts.there(self.plan.key, self.id)}
                    return [
                        sent
                        for number, sent in story.sent.items()
                        if number in there
                        and (there[number].size, there[number].tag)
                        == (sent.part.size, sent.part.tag)
                    ]
                noted = story.completing and len(story.sent) == self.cut.parts
                if noted and self._is_stored(self._content(story.sent.values())):
                    return None
            elif story.plan is not None:
                with suppress(StoreError):
                    self.parts.abort(story.plan.key, story.upload)
        self._begin()
        return []

    def _begin(self) -> None:
        key = self.plan.key
        with suppress(ObjectMissingError):
            self.store.size(key)
            if self.journal:
                self.journal.remove()
            raise ObjectExistsError(f"{key} exists already")
        self.id = self.parts.begin(key)
        if self.journal:
            self.journal.begin(self.plan, self.id, changed_ns=self.source.changed_ns)

    def _send(self, number: int) -> Sent:
        return self._raw(number) if self.use is None else self._encoded(number, self.use)

    def _raw(self, number: int) -> Sent:
        """It is read twice: to be digested, and when it is sent."""
        blocks = [self.cut.block(block) for block in self.cut.blocks_of(number)]
        span, digests = self.source.spanned(blocks)
        return self._deliver(number, span, digests, [block.length for block in blocks])

    def _encoded(self, number: int, use: Use) -> Sent:
        expected = min(int(self.cut.bytes_of(number) / max(1.0, use.ratio)), _MOST_HELD_BYTES)
        most = min(2 * expected, _MOST_HELD_BYTES)
        with (
            self.engine.pool.holding(BLOCK_BYTES, besides=_ENCODING_BYTES + expected) as held,
            Spill(held, self.engine.journals, most) as spill,
        ):
            digests, lengths = [], []
            for block in self.cut.blocks_of(number):
                pieces, digest = self._block(held.views[0], block, use)
                spill.add(pieces)
                digests.append(digest)
                lengths.append(sum(map(len, pieces)))
            spill.add(self._padding(spill.size, last=number == self.cut.parts))
            held.keep_only(0)
            return self._deliver(number, spill.pieces(), digests, lengths)

    def _block(self, buffer: memoryview, number: int, use: Use) -> tuple[list[bytes], str]:
        """A block as it is stored, and its digest."""
        span = self.cut.block(number)
        view = buffer[: span.length]
        digest = self.source.digested(span.start, view)
        return self.engine.encoded(view, use, start=span.start), digest

    def _padding(self, stored: int, *, last: bool) -> list[Buffer]:
        from cryoem_cloud.mover.codec import padding  # noqa: PLC0415  (NumPy, where it is needed)

        missing = missing_bytes(stored, last=last)
        return padding(max(missing, _LEAST_PADDING)) if missing else []

    def _deliver(
        self, number: int, pieces: Sequence[Buffer], digests: list[str], lengths: list[int]
    ) -> Sent:
        with self.engine.stream(bytes_in(pieces)):
            part = self.parts.send(self.plan.key, self.id, number, pieces)
        sent = Sent(part, tuple(digests), tuple(lengths))
        if self.journal:
            self.journal.sent(sent)
        self.moved(self.cut.bytes_of(number))
        return sent

    def _completed(self, sent: list[Sent]) -> Content:
        self.source.require_unchanged()
        store_gain(self.engine, self.store, self.project, self.use)
        content = self._content(sent)
        parts = sorted((each.part for each in sent), key=lambda part: part.number)
        if self.journal:
            self.journal.completing()
        try:
            self.parts.complete(self.plan.key, self.id, parts, if_absent=True)
        except (StoreUnreachableError, ObjectExistsError, ObjectMissingError):
            if not self._was_completed(content):
                raise
        return self._arrived(content)

    def _arrived(self, content: Content) -> Content:
        if self.journal:
            self.journal.arrived(content)
        return content

    def _was_completed(self, content: Content) -> bool:
        """Whether a call whose reply was lost did it: who else knows the upload's name?"""
        with suppress(ObjectMissingError):
            self.parts.there(self.plan.key, self.id)
            return False
        return self._is_stored(content)

    def _is_stored(self, content: Content) -> bool:
        with suppress(ObjectMissingError):
            return self.store.size(self.plan.key) == content.stored
        return False

    def _content(self, sent: Iterable[Sent]) -> Content:
        parts = sorted(sent, key=lambda each: each.part.number)
        blocks = [digest for each in parts for digest in each.digests]
        sizes = [each.part.size for each in parts]
        lengths = [each.lengths for each in parts]
        return Content(
            key=self.plan.key.removeprefix(f"{self.project}/"),
            start=0,
            stored=sum(sizes),
            size=self.cut.size,
            digest=digest_of_blocks(blocks),
            blocks=recorded(blocks),
            codecs=self.use.codecs if self.use else (),
            parts=rows_of(self.cut, lengths, sizes) if self.use else (),
            checks=checks_of_parts([(each.part.check, each.part.size) for each in parts]),
        )

    def _give_up(self, error: BaseException) -> None:
        """Leave the upload only where it can be gone on with."""
        passing = isinstance(error, (StoreUnreachableError, StoreDeniedError))
        over = isinstance(error, (SourceChangedError, StoreError)) and not passing
        if self.journal and over:
            self.journal.remove()
        if not self.journal or over:
            with suppress(StoreError):
                self.parts.abort(self.plan.key, self.id)
