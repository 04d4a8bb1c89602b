"""Digests do not depend on how the bytes come."""

from itertools import pairwise

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.model.digest import Digester, block_digest, digest_of, is_digest_of
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


def test_of_more_than_a_block_it_is_of_the_blocks_digests() -> None:
    data = bytes(range(256)) * (BLOCK_BYTES // 256) + b"more"
    blocks = [data[:BLOCK_BYTES], data[BLOCK_BYTES:]]
    wanted = blake3(b"".join(blake3(block).digest() for block in blocks)).hexdigest()
    assert digest_of(data) == f"blake3b:{wanted}"
    assert [block_digest(block) for block in blocks] == [blake3(b).hexdigest() for b in blocks]
    assert digest_of(blocks[0]) == f"blake3:{blake3(blocks[0]).hexdigest()}"


@pytest.mark.parametrize("size", [5, BLOCK_BYTES, BLOCK_BYTES + 5])
def test_what_was_recorded_as_the_digest_of_all_bytes_is_verified_so(size: int) -> None:
    data = bytes(size)
    old = f"blake3:{blake3(data).hexdigest()}"
    assert is_digest_of(old, data)
    assert is_digest_of(digest_of(data), data)
    assert not is_digest_of(old, data + b"x")
    assert not is_digest_of(digest_of(data), data[:-1])
    assert not is_digest_of("", data)
    digester = Digester(both=True)
    digester.update(data)
    assert digester.digests == tuple(dict.fromkeys((digest_of(data), old)))
