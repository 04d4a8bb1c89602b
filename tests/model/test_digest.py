"""Digests do not depend on how the bytes come."""

from itertools import pairwise

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.model.digest import Digester, digest_of
from cryoem_cloud.model.file import BLOCK_BYTES


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_the_digest_of_pieces_is_that_of_the_whole(pieces: list[bytes]) -> None:
    digester = Digester()
    for piece in pieces:
        digester.update(piece)
    whole = b"".join(pieces)
    assert digester.digest == digest_of(whole) == f"blake3:{blake3(whole).hexdigest()}"
    assert digester.size == len(whole)
    assert digester.blocks() == ()


@pytest.mark.parametrize("size", [BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES])
@settings(max_examples=5, deadline=None)
@given(cuts=st.lists(st.integers(0, 2 * BLOCK_BYTES), max_size=6))
def test_blocks_are_those_of_the_whole_however_it_is_cut(size: int, cuts: list[int]) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    digester = Digester()
    places = sorted({0, size, *(cut for cut in cuts if cut < size)})
    for start, end in pairwise(places):
        digester.update(data[start:end])
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, size, BLOCK_BYTES)]
    wanted = tuple(blake3(block).hexdigest() for block in blocks) if len(blocks) > 1 else ()
    assert digester.blocks() == wanted
    assert digester.digest == digest_of(data)
