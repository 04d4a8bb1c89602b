"""What every store must say of the objects that it holds; a part of the store contract."""

from concurrent.futures import ThreadPoolExecutor

from cryoem_cloud.ports.store import Listed, Store

__all__ = ["ListingContract", "same"]


def same(found: object, wanted: object) -> None:
    """See to it that two things are equal."""
    if found != wanted:
        raise AssertionError(f"found {found!r:.300}, expected {wanted!r:.300}")


class ListingContract:
    """What is there, in order."""

    KEYS = (
        "contract/a+",
        "contract/a-b",
        "contract/a.b/x",
        "contract/a/b/c",
        "contract/a/z",
        "contract/aA",
        "contract/a_/y",
        "contract/a~x/q",
        "contract/aé",
        "contract/a漢",
    )

    def _fill(self, store: Store) -> None:
        for key in reversed(self.KEYS):
            store.put(key, key.encode())

    def test_a_listing_is_in_order_of_the_bytes(self, store: Store) -> None:
        """By the bytes of the keys in UTF-8."""
        self._fill(store)
        found = list(store.list("contract/"))
        same(found, [Listed(key, len(key.encode())) for key in self.KEYS])
        same(list(self.KEYS), sorted(self.KEYS, key=str.encode))

    def test_a_prefix_need_not_end_at_a_slash(self, store: Store) -> None:
        """A prefix is the start of a text, not a folder."""
        self._fill(store)
        for prefix in ("contract/a", "contract/a/", "contract/a.", "contract/a/b", "contract/b"):
            wanted = [key for key in self.KEYS if key.startswith(prefix)]
            same([found.key for found in store.list(prefix)], wanted)
        same([found.key for found in store.list("")], list(self.KEYS))

    def test_after_leaves_out_what_sorts_before_it(self, store: Store) -> None:
        """And the key itself."""
        self._fill(store)
        for after in (*self.KEYS, "contract/a", "contract/a/", "contract/zzz", "a", "z"):
            wanted = [key for key in self.KEYS if key.encode() > after.encode()]
            same([found.key for found in store.list("contract/", after=after)], wanted)

    def test_a_listing_may_be_longer_than_a_page(self, store: Store) -> None:
        """Longer than any server gives at once."""
        keys = [f"contract/{number:08d}" for number in range(1, 1106)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, b""), keys))
        same([found.key for found in store.list("contract/")], keys)
        same([found.key for found in store.list("contract/", after=keys[1002])], keys[1003:])

    def test_folders_are_the_next_segments(self, store: Store) -> None:
        """Each once, in order."""
        self._fill(store)
        same(list(store.folders("contract/")), ["a", "a.b", "a_", "a~x"])
        same(list(store.folders("contract/a/")), ["b"])
        same(list(store.folders("contract/none/")), [])
        same(list(store.folders("")), ["contract"])

    def test_a_folder_may_hold_nothing_but_folders(self, store: Store) -> None:
        """It is one all the same."""
        store.put("contract/a/b/c", b"")
        same(list(store.folders("contract/")), ["a"])
        same(list(store.folders("")), ["contract"])

    def test_a_folder_ends_with_its_last_object(self, store: Store) -> None:
        """Nothing is left of a folder."""
        store.put("contract/a/b/c", b"")
        store.delete("contract/a/b/c")
        same(list(store.folders("")), [])
        store.put("contract/a", b"an object where the folder was", if_absent=True)
        same(list(store.list("contract/")), [Listed("contract/a", 30)])
