"""A stream is cut into parts without a copy of its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.errors import StoreError
from cryoem_cloud.stores.s3 import parts


@given(chunks=st.lists(st.binary(max_size=40), max_size=9))
def test_parts_are_the_stream_again(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "part_bytes", lambda _: 16)
        found = list(parts.parts_of("a", iter(chunks), size=len(whole)))
    assert b"".join(b"".join(pieces) for pieces in found) == whole
    assert all(sum(map(len, pieces)) == 16 for pieces in found[:-1])
    assert all(memoryview(piece).obj in chunks for pieces in found for piece in pieces)


def test_a_stream_of_another_length_than_was_said_is_refused() -> None:
    for size in (3, 5):
        with pytest.raises(StoreError, match=f"a: {size} bytes were announced"):
            list(parts.parts_of("a", [b"1234"], size=size))
