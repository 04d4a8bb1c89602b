"""Removes what nobody will go on with: journals, and the uploads that they are of."""

import time
from contextlib import suppress
from pathlib import Path

from cryoem_cloud.model.errors import RefusedError, StoreError
from cryoem_cloud.mover.journal import ZST, Journal, Plan, journals_in, opened
from cryoem_cloud.mover.stamp import stamp_of
from cryoem_cloud.ports.store import Store

__all__ = ["forget", "tidy"]

_KEPT_S = 7 * 24 * 3600
"""For so long the journal of a file that has arrived is kept: until then an index has it."""


def tidy(store: Store, journals: Path) -> int:
    """Abort the uploads to that store of files that are gone or others now; tell how many.

    Journals that a process uses, and those of files that are as they were, stay as they are.
    """
    aborted = 0
    for journal in journals_in(journals):
        story = journal.read()
        if story.plan is None:
            journal.remove()
        elif story.content is not None:
            _remove_old(journal)
        elif story.plan.store == store.url and not _is_as_it_was(story.plan):
            with suppress(StoreError):
                if store.parts is not None:
                    store.parts.abort(story.plan.key, story.upload)
                    aborted += 1
                journal.remove()
    return aborted


def forget(store: Store, journals: Path | None, *, key: str, path: Path) -> None:
    """Remove the journal of a file that has arrived under `key`, which an index names now."""
    for asked in {key, key.removesuffix(ZST)}:  # the suffix came when it was planned
        with opened(journals, store=store.url, key=asked, path=path) as journal:
            if journal is not None:
                journal.remove()


def _remove_old(journal: Journal) -> None:
    with suppress(FileNotFoundError):
        if time.time() - journal.path.stat().st_mtime > _KEPT_S:
            journal.remove()


def _is_as_it_was(plan: Plan) -> bool:
    """Whether the file is still the one of the plan, or cannot be looked at now."""
    try:
        return stamp_of(Path(plan.path)) == plan.stamp
    except (FileNotFoundError, NotADirectoryError, RefusedError):
        return False
    except OSError:
        return True
