"""What a journal says was sent of a file that may have been written since, behind its time."""

from dataclasses import replace

from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.journal import Sent, Story
from cryoem_cloud.mover.planning import cut_by
from cryoem_cloud.mover.source import Source

__all__ = ["still_true"]


def still_true(engine: Engine, source: Source, story: Story) -> Story:
    """The story without parts that the file does not have any more.

    Size, time and inode are the plan's to compare. Who writes and puts the time back changes the
    instant that the file system keeps for itself; then what was sent is read once more.

    Raises:
        SourceChangedError: The file changes now.
    """
    if story.plan is None or story.plan.stamp != source.stamp:
        return story
    if story.changed_ns == source.changed_ns:
        return story
    cut = cut_by(story.plan)

    def checked(number: int) -> Sent | None:
        sent = story.sent[number]
        for block, digest in zip(cut.blocks_of(number), sent.digests, strict=True):
            span = cut.block(block)
            with engine.pool.holding(BLOCK_BYTES) as held:
                if source.digested(span.start, held.views[0][: span.length]) != digest:
                    return None
        return sent

    kept = {sent.part.number: sent for sent in engine.each(checked, list(story.sent)) if sent}
    whole = len(kept) == cut.parts
    content = story.content if whole else None
    return replace(story, sent=kept, completing=story.completing and whole, content=content)
