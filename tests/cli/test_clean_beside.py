"""What is pushed, written or named beside `cryoem storage clean` is not lost."""

import os
import time
from collections.abc import Iterable
from dataclasses import replace

import pytest

from cryoem_cloud.cli.files.pushing import Pushing
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.model.file import Entry
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.words import IndexWords
from tests.cli.conftest import User
from tests.cli.corrected import (
    FOLDER,
    corrected,
    looked,
    objects,
    store_of,
)
from tests.stores.conftest import ministack_server

__all__ = ["corrected", "ministack_server"]


def test_what_is_named_anew_before_it_is_removed_stays(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the same bytes is elsewhere, and another has other bytes by now."""
    clean = looked(corrected, monkeypatch)
    store, prefix = store_of(corrected)
    index = IndexLog(store, prefix.rstrip("/"))
    first, second, _ = clean.chosen[0].entries
    assert second.content
    newer = replace(second, mtime_ns=second.mtime_ns + 1)
    index.append("by hand", [replace(first, path="copy.mrc"), newer])
    clean.do()
    assert clean.removed == 1
    corrected.cryoem("pull", "copy.mrc", f"{FOLDER}/Movies/2.mrc")
    assert "0 damaged or missing" in corrected.cryoem("verify", "--deep").err


COPY = "copy.mrc"


def copied(user: User) -> bytes:
    """The user has a file of the bytes that one of the job's has, from an hour ago."""
    user.cryoem("pull", f"{FOLDER}/Movies/1.mrc")
    data = (user.folder / FOLDER / "Movies/1.mrc").read_bytes()
    (user.folder / COPY).write_bytes(data)
    an_hour_ago = time.time() - 3600
    os.utime(user.folder / COPY, (an_hour_ago, an_hour_ago))
    return data


def push_copy() -> None:
    pushing = Pushing(the_project(), places())
    pushing.look([COPY])
    pushing.send()


def comes_back(user: User, data: bytes) -> bool:
    """Whether the store has the copy, and all else that its index names."""
    (user.folder / COPY).unlink()
    user.cryoem("pull", COPY)
    intact = "0 damaged or missing" in user.cryoem("verify", "--deep").err
    return intact and (user.folder / COPY).read_bytes() == data


def test_what_is_removed_between_a_pushs_look_and_its_record_is_sent(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, clean = copied(corrected), looked(corrected, monkeypatch)
    append = IndexLog.append

    def late(log: IndexLog, origin: str, entries: Iterable[Entry], *, after: int = 0) -> int:
        if origin.startswith("push") and not clean.removed:
            clean.do()
        return append(log, origin, entries, after=after)

    monkeypatch.setattr(IndexLog, "append", late)
    push_copy()
    assert clean.removed == 3
    assert comes_back(corrected, data)


def test_what_a_push_names_between_a_cleans_look_and_its_record_stays(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the files are taken from the index, and where the objects are."""
    data, clean = copied(corrected), looked(corrected, monkeypatch)
    before = objects(corrected)
    append_next, times = IndexLog.append_next, [0]

    def late(
        log: IndexLog,
        origin: str,
        entries: Iterable[Entry],
        *,
        removed: Iterable[str] = (),
        after: int,
    ) -> bool:
        if not times[0]:
            push_copy()
        times[0] += 1
        return append_next(log, origin, entries, removed=removed, after=after)

    monkeypatch.setattr(IndexLog, "append_next", late)
    clean.do()
    assert (clean.removed, times[0]) == (2, 3), "one try was in vain"
    sent = {key for key in objects(corrected) - before if not key.startswith("index/")}
    assert not sent, "it was in the store"
    assert comes_back(corrected, data)


def test_a_file_that_is_written_anew_while_it_is_taken_from_the_index_stays_in_it(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = looked(corrected, monkeypatch)
    store, prefix = store_of(corrected)
    index = IndexLog(store, prefix.rstrip("/"))
    newer = replace(clean.chosen[0].entries[0], mode=0o600)
    read_on, times = IndexWords.read_on, [0]

    def late(words: IndexWords) -> None:
        read_on(words)
        times[0] += 1
        if times[0] == 1:
            index.append("by hand", [newer])

    monkeypatch.setattr(IndexWords, "read_on", late)
    clean.do()
    assert clean.removed == 2
    corrected.cryoem("pull", newer.path)
