"""What every store that takes objects in parts must do, as tests to inherit.

```python
class TestMyParts(PartsContract):
    @pytest.fixture
    def store(self):
        return MyStore()
```
The store that the fixture gives must be empty of keys below `contract/`.
"""

import dataclasses
import errno
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from cryoem_cloud.model.checks import checks_of_parts
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectExistsError,
    ObjectMissingError,
    StoreError,
)
from cryoem_cloud.ports.parts import LEAST_PART_BYTES, MOST_PARTS, Buffer, Parts, Pieces, SentPart
from cryoem_cloud.ports.store import Store
from cryoem_cloud.testing.listing_contract import same
from cryoem_cloud.testing.stream_contract import pattern

__all__ = ["PartsContract"]

_KEY = "contract/a"
_FIRST = pattern(LEAST_PART_BYTES, seed=1)
_SECOND = pattern(LEAST_PART_BYTES + 1, seed=2)
_LAST = b"the last one may be small"
_MORE_THAN_A_PAGE = 1003
_WORD = "0" * 16
"""The id of an upload that was never begun."""


def _parts(store: Store) -> Parts:
    found = store.parts
    if found is None:
        raise AssertionError
    return found


def _uploaded(store: Store, *contents: bytes) -> tuple[str, list[SentPart]]:
    """An upload with parts of these contents."""
    parts = _parts(store)
    upload = parts.begin(_KEY)
    return upload, [
        parts.send(_KEY, upload, number, [data]) for number, data in enumerate(contents, start=1)
    ]


def _gone(store: Store, upload: str, sent: Sequence[SentPart]) -> None:
    """That there is no such upload."""
    parts = _parts(store)
    with pytest.raises(ObjectMissingError):
        parts.there(_KEY, upload)
    with pytest.raises(ObjectMissingError):
        parts.send(_KEY, upload, 1, [_LAST])
    with pytest.raises(ObjectMissingError):
        parts.complete(_KEY, upload, sent)


class _Sending:
    """Parts that come, whichever way."""

    def test_parts_become_one_object(self, store: Store) -> None:
        """And its upload is gone."""
        upload, sent = _uploaded(store, _FIRST, _SECOND, _LAST)
        _parts(store).complete(_KEY, upload, sent)
        same(store.get(_KEY) == _FIRST + _SECOND + _LAST, wanted=True)
        told = store.told(_KEY)
        same(told.size, len(_FIRST + _SECOND + _LAST))
        checks = checks_of_parts([(part.check, part.size) for part in sent])
        same(told.check in {"", *checks}, wanted=True)
        with pytest.raises(ObjectMissingError):
            _parts(store).there(_KEY, upload)

    def test_one_part_is_enough(self, store: Store) -> None:
        """It is the last, and may be small."""
        upload, sent = _uploaded(store, _LAST)
        _parts(store).complete(_KEY, upload, sent)
        same(store.get(_KEY), _LAST)

    def test_parts_come_in_any_order(self, store: Store) -> None:
        """And with gaps between their numbers."""
        parts = _parts(store)
        upload = parts.begin(_KEY)
        last = parts.send(_KEY, upload, MOST_PARTS, [_LAST])
        first = parts.send(_KEY, upload, 7, [_FIRST])
        parts.complete(_KEY, upload, [first, last])
        same(store.get(_KEY) == _FIRST + _LAST, wanted=True)

    def test_a_part_may_be_in_pieces_of_any_kind(self, store: Store) -> None:
        """Empty ones too."""
        parts = _parts(store)
        upload = parts.begin(_KEY)
        pieces: list[Buffer] = [
            _FIRST,
            b"",
            bytearray(b"123"),
            memoryview(b"xx45x")[2:4],
            memoryview(b""),
        ]
        sent = parts.send(_KEY, upload, 1, pieces)
        same((sent.number, sent.size), (1, len(_FIRST) + 5))
        parts.complete(_KEY, upload, [sent])
        same(store.get(_KEY) == _FIRST + b"12345", wanted=True)

    def test_pieces_may_be_made_when_they_are_asked_for(self, store: Store) -> None:
        """However often that is."""
        parts = _parts(store)
        upload = parts.begin(_KEY)
        held = [_FIRST, _SECOND, b"", _LAST]
        pieces = Pieces([len(each) for each in held], lambda number: bytearray(held[number]))
        sent = parts.send(_KEY, upload, 1, pieces)
        same(sent.size, sum(map(len, held)))
        parts.complete(_KEY, upload, [sent])
        same(store.get(_KEY) == b"".join(held), wanted=True)

    def test_pieces_may_be_used_again_at_once(self, store: Store) -> None:
        """They are not kept."""
        parts = _parts(store)
        upload = parts.begin(_KEY)
        buffer = bytearray(_LAST)
        sent = parts.send(_KEY, upload, 1, [buffer])
        buffer[:] = bytes(len(buffer))
        parts.complete(_KEY, upload, [sent])
        same(store.get(_KEY), _LAST)

    def test_a_part_that_is_sent_again_is_replaced(self, store: Store) -> None:
        """What was there before is no part any more."""
        upload, (old,) = _uploaded(store, _FIRST)
        new = _parts(store).send(_KEY, upload, 1, [_LAST])
        with pytest.raises(StoreError):
            _parts(store).complete(_KEY, upload, [old])
        _parts(store).complete(_KEY, upload, [new])
        same(store.get(_KEY), _LAST)

    def test_threads_may_send_at_once(self, store: Store) -> None:
        """Each its part."""
        parts = _parts(store)
        upload = parts.begin(_KEY)
        contents = [pattern(LEAST_PART_BYTES, seed=seed) for seed in range(4)]

        def send(number: int) -> SentPart:
            return parts.send(_KEY, upload, number, [contents[number - 1]])

        with ThreadPoolExecutor(4) as pool:
            sent = list(pool.map(send, range(1, 5)))
        parts.complete(_KEY, upload, sent)
        same(store.get(_KEY) == b"".join(contents), wanted=True)

    @pytest.mark.parametrize("number", [0, -1, MOST_PARTS + 1])
    def test_there_are_no_other_numbers(self, store: Store, number: int) -> None:
        """Than 1 to MOST_PARTS."""
        upload, _ = _uploaded(store)
        with pytest.raises(StoreError):
            _parts(store).send(_KEY, upload, number, [_LAST])

    def test_what_is_not_a_key_is_refused(self, store: Store) -> None:
        """As it is everywhere."""
        for key in ("", "/a", "a/../b", "a b"):
            with pytest.raises(StoreError):
                _parts(store).begin(key)


class _Uploads:
    """What is under way."""

    def test_what_is_there_is_told(self, store: Store) -> None:
        """As it was when it was sent."""
        parts = _parts(store)
        upload, sent = _uploaded(store)
        same(parts.there(_KEY, upload), ())
        sent = [parts.send(_KEY, upload, number, [_LAST[number:]]) for number in (3, 1)]
        told = parts.there(_KEY, upload)
        same(
            [(part.number, part.size, part.tag) for part in told],
            [(part.number, part.size, part.tag) for part in reversed(sent)],
        )
        for part, mine in zip(told, reversed(sent), strict=True):
            same(part.check in {"", mine.check}, wanted=True)

    def test_more_parts_are_told_than_a_page_has(self, store: Store) -> None:
        """All of them."""
        parts = _parts(store)
        upload = parts.begin(_KEY)
        numbers = range(1, _MORE_THAN_A_PAGE + 1)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: parts.send(_KEY, upload, number, [b"x"]), numbers))
        same([part.number for part in parts.there(_KEY, upload)], list(numbers))

    def test_nobody_sees_an_upload(self, store: Store) -> None:
        """Before it is completed."""
        _uploaded(store, _LAST)
        same(list(store.list("contract/")), [])
        with pytest.raises(ObjectMissingError):
            store.get(_KEY)

    def test_an_upload_hinders_nobody(self, store: Store) -> None:
        """The key is free until it is completed, and two may be under way."""
        upload, sent = _uploaded(store, _LAST)
        other, others = _uploaded(store, _LAST[1:])
        store.put(_KEY, b"put", if_absent=True)
        parts = _parts(store)
        parts.complete(_KEY, upload, sent)
        same(store.get(_KEY), _LAST)
        parts.complete(_KEY, other, others)
        same(store.get(_KEY), _LAST[1:])

    def test_there_is_no_upload_that_was_not_begun(self, store: Store) -> None:
        """Nor of another key."""
        _, sent = _uploaded(store, _LAST)
        _gone(store, _WORD, sent)
        _parts(store).abort(_KEY, _WORD)

    def test_an_upload_that_was_given_up_is_gone(self, store: Store) -> None:
        """What is gone is done."""
        upload, sent = _uploaded(store, _LAST)
        for _ in range(2):
            _parts(store).abort(_KEY, upload)
        _gone(store, upload, sent)
        same(list(store.list("contract/")), [])


class _Completing:
    """From parts to an object, or not."""

    def test_a_taken_key_stays_as_it_is(self, store: Store) -> None:
        """And so does the upload."""
        upload, sent = _uploaded(store, _FIRST, _LAST)
        store.put(_KEY, b"first")
        with pytest.raises(ObjectExistsError):
            _parts(store).complete(_KEY, upload, sent, if_absent=True)
        same(store.get(_KEY), b"first")
        same(len(_parts(store).there(_KEY, upload)), 2)
        store.delete(_KEY)
        _parts(store).complete(_KEY, upload, sent, if_absent=True)
        same(store.get(_KEY) == _FIRST + _LAST, wanted=True)

    def test_one_of_two_wins(self, store: Store) -> None:
        """That complete at one instant."""
        uploads = [_uploaded(store, data) for data in (_FIRST, _SECOND)]
        gate = threading.Barrier(2)

        def racer(upload: str, sent: list[SentPart]) -> Callable[[], bool]:
            def run() -> bool:
                gate.wait()
                try:
                    _parts(store).complete(_KEY, upload, sent, if_absent=True)
                except ObjectExistsError:
                    return False
                return True

            return run

        with ThreadPoolExecutor(2) as pool:
            won = [pool.submit(racer(upload, sent)) for upload, sent in uploads]
            winners = [each.result() for each in won]
        same(sorted(winners), [False, True])
        same(store.get(_KEY) == (_FIRST if winners[0] else _SECOND), wanted=True)

    def test_a_part_must_be_the_one_that_is_there(self, store: Store) -> None:
        """Not one of another tag, and not one that never came."""
        upload, (sent,) = _uploaded(store, _LAST)
        for wrong in (
            dataclasses.replace(sent, tag="0" * 32),
            dataclasses.replace(sent, number=2),
        ):
            with pytest.raises(StoreError):
                _parts(store).complete(_KEY, upload, [wrong])
        same(list(store.list("contract/")), [])

    def test_a_check_must_be_that_of_the_part_that_is_there(self, store: Store) -> None:
        """Or the bytes are not those that were sent."""
        upload, (sent,) = _uploaded(store, _LAST)
        other = _parts(store).send(_KEY, upload, 2, [_LAST[1:]])
        with pytest.raises(StoreError):
            _parts(store).complete(_KEY, upload, [dataclasses.replace(sent, check=other.check)])

    def test_only_the_last_part_may_be_small(self, store: Store) -> None:
        """Others have LEAST_PART_BYTES or more."""
        upload, sent = _uploaded(store, _FIRST[1:], _LAST)
        with pytest.raises(StoreError):
            _parts(store).complete(_KEY, upload, sent)
        same(list(store.list("contract/")), [])


class _Reading:
    """Ranges into buffers."""

    def test_a_buffer_is_filled(self, store: Store) -> None:
        """From the object's byte on that was asked for, and only this buffer."""
        store.put(_KEY, b"0123456789")
        for start, length in ((0, 10), (0, 3), (4, 3), (7, 3)):
            buffer = bytearray(b"<" + bytes(length) + b">")
            _parts(store).read_into(_KEY, start, memoryview(buffer)[1:-1])
            same(bytes(buffer), b"<" + b"0123456789"[start : start + length] + b">")

    def test_a_small_buffer_takes_a_long_range(self, store: Store) -> None:
        """It is given away whenever it is full, in order, and at the end."""
        store.put(_KEY, _FIRST)
        buffer = bytearray(b"<" + bytes(300_000) + b">")
        for start, length in ((0, len(_FIRST)), (7, 1_000_000), (3, 300_000), (5, 1), (9, 0)):
            came = bytearray()
            view = memoryview(buffer)[1:-1]
            _parts(store).read_into(_KEY, start, view, length=length, take=came.extend)
            same(came == _FIRST[start : start + length], wanted=True)
        same(bytes(buffer[:1] + buffer[-1:]), b"<>")

    def test_who_cannot_take_what_comes_says_so(self, store: Store) -> None:
        """It is no fault of the store's, and not asked for again."""
        store.put(_KEY, _FIRST)
        tries = []

        def take(view: memoryview) -> None:
            tries.append(len(view))
            raise OSError(errno.ENOSPC, "the disk is full")

        buffer = memoryview(bytearray(300_000))
        with pytest.raises(OSError, match="the disk is full"):
            _parts(store).read_into(_KEY, 0, buffer, length=len(_FIRST), take=take)
        same(len(tries), 1)

    def test_large_ranges_come_at_once(self, store: Store) -> None:
        """To threads, from one object."""
        store.put(_KEY, _FIRST)
        half = len(_FIRST) // 2
        buffer = bytearray(2 * half)

        def read(start: int) -> None:
            _parts(store).read_into(_KEY, start, memoryview(buffer)[start : start + half])

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(read, (0, half)))
        same(buffer == _FIRST[: 2 * half], wanted=True)

    def test_an_empty_buffer_is_full(self, store: Store) -> None:
        """If there is such an object."""
        store.put(_KEY, b"0123456789")
        _parts(store).read_into(_KEY, 3, memoryview(bytearray()))
        with pytest.raises(ObjectMissingError):
            _parts(store).read_into("contract/none", 3, memoryview(bytearray()))

    def test_what_is_not_there_is_missing(self, store: Store) -> None:
        """Whatever is asked of it."""
        with pytest.raises(ObjectMissingError):
            _parts(store).read_into("contract/none", 0, memoryview(bytearray(3)))

    def test_an_object_that_ends_too_early_is_not_whole(self, store: Store) -> None:
        """Whether it ends in the range or before."""
        store.put(_KEY, b"0123456789")
        for start, length in ((8, 3), (0, 11), (10, 1), (99, 1)):
            with pytest.raises(CorruptObjectError):
                _parts(store).read_into(_KEY, start, memoryview(bytearray(length)))
            with pytest.raises(CorruptObjectError):
                _parts(store).read_into(_KEY, start, memoryview(bytearray(2)), length=length)


class PartsContract(_Sending, _Uploads, _Completing, _Reading):
    """Every sentence of `ports.parts`, as tests; a subclass gives the `store` fixture."""

    @pytest.fixture
    def store(self) -> Store:
        """An empty store that takes objects in parts.

        Raises:
            NotImplementedError: The subclass has to say which.
        """
        raise NotImplementedError
