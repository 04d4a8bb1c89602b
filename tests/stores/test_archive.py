"""The list of what may have to be restored, and what cannot be read now."""

from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Reach
from cryoem_cloud.stores.archive import ArchiveLog, unreadable
from cryoem_cloud.stores.counted import Counted
from cryoem_cloud.stores.memory import MemoryStore

PROJECT = "p-1a2b3c4d"


def an_entry(store: MemoryStore, name: str) -> Entry:
    store.put(f"{PROJECT}/mirror/{name}", b"bytes")
    content = Content(key=f"mirror/{name}", start=0, stored=5, size=5, digest="blake3:0")
    return Entry(path=name, content=content)


def test_what_is_noted_twice_is_written_once() -> None:
    store = MemoryStore()
    log = ArchiveLog(store, PROJECT)
    log.note(["mirror/a", "mirror/b"])
    log.note(["mirror/b"])
    log.note(["mirror/b", "mirror/c"])
    assert log.keys() == {"mirror/a", "mirror/b", "mirror/c"}
    assert len(list(store.list(f"{PROJECT}/archive/"))) == 2


def test_what_was_noted_and_can_be_read_is_readable() -> None:
    store = MemoryStore()
    a, b, c = (an_entry(store, name) for name in "abc")
    ArchiveLog(store, PROJECT).note(["mirror/a", "mirror/b"])
    key = f"{PROJECT}/mirror/a"
    store.classes.move(key, StorageClass.DEEP, tag=store.classes.kept(key).tag)
    counted = Counted(store)
    ((entry, kept),) = unreadable(counted, PROJECT, [a, b, c])
    assert (entry, kept.reach) == (a, Reach.ARCHIVED)
    assert counted.counts.calls["kept"] == 2, "of c nobody asks"
    store.classes.restore(key, days=1, bulk=False)
    assert unreadable(store, PROJECT, [a])[0][1].reach is Reach.RESTORING
    store.classes.restored()
    assert unreadable(store, PROJECT, [a]) == []


def test_where_nothing_was_archived_it_costs_a_request() -> None:
    store = MemoryStore()
    entries = [an_entry(store, name) for name in "abc"]
    counted = Counted(store)
    assert unreadable(counted, PROJECT, entries) == []
    assert sum(counted.counts.calls.values()) == 1
