"""What every store with classes must do, as tests to inherit.

```python
class TestMyClasses(ClassesContract):
    @pytest.fixture
    def store(self):
        return MyStore()

    def restored(self, store):
        "Wait until what was asked for is restored."
```
The store that the fixture gives must be empty of keys below `contract/`.
"""

import pytest

from cryoem_cloud.model.errors import ArchivedError, ObjectExistsError, ObjectMissingError
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.ports.classes import Classes, Reach
from cryoem_cloud.ports.store import Store
from cryoem_cloud.testing.listing_contract import same
from cryoem_cloud.testing.stream_contract import pattern

__all__ = ["ClassesContract"]

_KEY = "contract/a%20b~c@d"
_DATA = pattern(300_000, seed=7)
_ALL = tuple(StorageClass)


def _classes(store: Store) -> Classes:
    found = store.classes
    if found is None:
        raise AssertionError
    return found


def _moved(store: Store, to: StorageClass) -> Classes:
    """The classes of a store that has the key in that class."""
    store.put(_KEY, _DATA)
    classes = _classes(store)
    classes.move(_KEY, to, tag=classes.kept(_KEY).tag)
    return classes


class ClassesContract:
    """The tests."""

    def restored(self, store: Store) -> None:
        """Let what was asked for be restored."""
        raise NotImplementedError

    def test_what_is_put_is_in_the_first_class_and_can_be_read(self, store: Store) -> None:
        """It has a tag."""
        store.put(_KEY, _DATA)
        kept = _classes(store).kept(_KEY)
        same((kept.key, kept.size, kept.kept), (_KEY, len(_DATA), StorageClass.STANDARD))
        same(kept.reach, Reach.READABLE)
        same(bool(kept.tag), wanted=True)

    @pytest.mark.parametrize("to", _ALL, ids=lambda to: to.value)
    def test_what_is_moved_is_there_with_its_checksum(self, store: Store, to: StorageClass) -> None:
        """And its bytes, where these can be read."""
        store.put(_KEY, _DATA)
        before = store.told(_KEY)
        kept = _moved(store, to).kept(_KEY)
        same(kept.kept, to)
        same(kept.reach, Reach.ARCHIVED if to is StorageClass.DEEP else Reach.READABLE)
        same(store.told(_KEY), before)
        if kept.reach is Reach.READABLE:
            same(store.get(_KEY), _DATA)

    def test_a_listing_tells_classes(self, store: Store) -> None:
        """In order."""
        classes = _moved(store, StorageClass.DEEP)
        store.put("contract/b", b"b")
        found = [(kept.key, kept.size, kept.word, kept.reach) for kept in classes.list("contract/")]
        same(
            found,
            [
                (_KEY, len(_DATA), "DEEP_ARCHIVE", Reach.ARCHIVED),
                ("contract/b", 1, "STANDARD", Reach.READABLE),
            ],
        )

    def test_there_is_nothing_to_tell_of_what_is_not_there(self, store: Store) -> None:
        """Nor to do."""
        classes = _classes(store)
        with pytest.raises(ObjectMissingError):
            classes.kept(_KEY)
        with pytest.raises(ObjectMissingError):
            classes.move(_KEY, StorageClass.INSTANT, tag='"none"')
        with pytest.raises(ObjectMissingError):
            classes.restore(_KEY, days=1, bulk=False)

    def test_what_has_other_bytes_by_now_is_not_moved(self, store: Store) -> None:
        """They stay where they are."""
        store.put(_KEY, _DATA)
        classes = _classes(store)
        tag = classes.kept(_KEY).tag
        store.put(_KEY, b"other bytes")
        with pytest.raises(ObjectExistsError):
            classes.move(_KEY, StorageClass.INSTANT, tag=tag)
        same(classes.kept(_KEY).kept, StorageClass.STANDARD)
        same(store.get(_KEY), b"other bytes")

    def test_what_is_archived_is_read_and_moved_once_it_is_restored(self, store: Store) -> None:
        """Not before, and nobody waits."""
        classes = _moved(store, StorageClass.DEEP)
        with pytest.raises(ArchivedError):
            store.get(_KEY)
        with pytest.raises(ArchivedError):
            b"".join(store.get_stream(_KEY))
        with pytest.raises(ArchivedError):
            classes.move(_KEY, StorageClass.STANDARD, tag=classes.kept(_KEY).tag)
        if store.parts:
            with pytest.raises(ArchivedError):
                store.parts.read_into(_KEY, 0, memoryview(bytearray(10)))
        classes.restore(_KEY, days=2, bulk=True)
        self.restored(store)
        kept = classes.kept(_KEY)
        same((kept.kept, kept.reach), (StorageClass.DEEP, Reach.RESTORED))
        same(bool(kept.until), wanted=True)
        same(store.get(_KEY), _DATA)
        classes.move(_KEY, StorageClass.STANDARD, tag=kept.tag)
        same(classes.kept(_KEY).reach, Reach.READABLE)
        same(store.get(_KEY), _DATA)

    def test_restoring_may_be_asked_for_again(self, store: Store) -> None:
        """While it goes on, and after that."""
        classes = _moved(store, StorageClass.DEEP)
        classes.restore(_KEY, days=1, bulk=False)
        classes.restore(_KEY, days=1, bulk=False)
        self.restored(store)
        classes.restore(_KEY, days=3, bulk=False)
        same(store.get(_KEY), _DATA)

    @pytest.mark.parametrize("kept", [StorageClass.STANDARD, StorageClass.INSTANT])
    def test_what_can_be_read_need_not_be_restored(self, store: Store, kept: StorageClass) -> None:
        """It stays as it is."""
        classes = _moved(store, kept)
        classes.restore(_KEY, days=1, bulk=False)
        same(classes.kept(_KEY).reach, Reach.READABLE)
