"""What a job reads is looked at before anything is sent: archived, restored, changed here."""

from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.archived import require_restored
from cryoem_cloud.model.errors import ArchivedError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.archive import ArchiveLog
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore

NAME, NEEDS = "p-1a2b3c4d", (Need(path="a.mrc"), Need(path="b.mrc"))


def test_what_is_archived_is_told_until_it_is_restored(tmp_path: Path) -> None:
    store, file = MemoryStore(), tmp_path / "a.mrc"
    project = Project(name=NAME, store=store.url, folder=tmp_path)
    cache = Cache(tmp_path / "cache.sqlite")
    file.write_bytes(b"bytes of a movie")
    stamp, content = keep_file(store, file, project=NAME, key="mirror/a.mrc")
    index = IndexLog(store, NAME)
    index.append("push", [Entry(path="a.mrc", content=content, mtime_ns=stamp.mtime_ns)])
    cache.refresh(index, NAME)
    require_restored(store, project, cache, NEEDS)
    ArchiveLog(store, NAME).note(["mirror/a.mrc"])
    require_restored(store, project, cache, NEEDS)
    key = f"{NAME}/mirror/a.mrc"
    store.classes.move(key, StorageClass.DEEP, tag=store.classes.kept(key).tag)
    with pytest.raises(ArchivedError, match=r"a\.mrc is archived \(cryoem storage restore a\.mrc"):
        require_restored(store, project, cache, NEEDS)
    require_restored(store, project, cache, [Need(path="a.mrc", stub=True)])
    file.write_bytes(b"other bytes, which are sent")
    require_restored(store, project, cache, NEEDS)
    file.unlink()
    store.classes.restore(key, days=1, bulk=False)
    with pytest.raises(ArchivedError):
        require_restored(store, project, cache, NEEDS)
    store.classes.restored()
    require_restored(store, project, cache, NEEDS)
