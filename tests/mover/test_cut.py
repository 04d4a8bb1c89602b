"""Parts: as many as a store takes, as large as it takes them, and all of the file's bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.cut import cut_of, may_be_encoded, missing_bytes, rows_of
from cryoem_cloud.ports.parts import LEAST_PART_BYTES, MOST_PART_BYTES, MOST_PARTS

LARGEST = MOST_PARTS * MOST_PART_BYTES


@given(size=st.integers(1, LARGEST), ratio=st.floats(1, 1000))
@example(size=LARGEST, ratio=1)
@example(size=4 * 10**12, ratio=1)
@example(size=4 * 10**12, ratio=16.8)
@example(size=MOST_PARTS * BLOCK_BYTES, ratio=1)
@example(size=MOST_PARTS * BLOCK_BYTES + 1, ratio=1)
def test_a_file_is_cut_as_stores_take_it(size: int, ratio: float) -> None:
    cut = cut_of(size, ratio=ratio)
    assert 1 <= cut.parts <= MOST_PARTS
    assert cut.blocks_a_part * BLOCK_BYTES <= MOST_PART_BYTES
    assert cut.blocks_a_part >= min(ratio, 32)
    first, last = cut.blocks_of(1), cut.blocks_of(cut.parts)
    assert first.start == 0
    assert last.stop == cut.blocks
    assert len(last) >= 1
    end = cut.block(cut.blocks - 1)
    assert end.start + end.length == size
    whole = cut.blocks_a_part * BLOCK_BYTES
    assert (cut.parts - 1) * whole + cut.bytes_of(cut.parts) == size
    assert may_be_encoded(cut) == (cut.blocks_a_part * BLOCK_BYTES * 1.01 <= MOST_PART_BYTES)


@given(size=st.integers(1, 40 * BLOCK_BYTES), ratio=st.floats(1, 8))
def test_parts_follow_each_other_without_a_gap(size: int, ratio: float) -> None:
    cut = cut_of(size, ratio=ratio)
    blocks = [block for part in range(1, cut.parts + 1) for block in cut.blocks_of(part)]
    assert blocks == list(range(cut.blocks))
    assert sum(cut.bytes_of(part) for part in range(1, cut.parts + 1)) == size


def test_four_terabytes_on_paper() -> None:
    cut = cut_of(4 * 10**12)
    assert (cut.blocks, cut.blocks_a_part, cut.parts) == (238_419, 24, 9_935)
    encoded = cut_of(4 * 10**12, ratio=4.2)
    assert (encoded.blocks_a_part, encoded.parts) == (24, 9_935)


def test_what_no_store_takes_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"movie\.mrc has .* takes no more"):
        cut_of(LARGEST + 1, name="movie.mrc")


@given(stored=st.integers(0, 10 * 1024**2), last=st.booleans())
def test_a_part_is_filled_up_to_what_stores_ask_for(*, stored: int, last: bool) -> None:
    filled = stored + missing_bytes(stored, last=last)
    assert filled == (stored if last else max(stored, LEAST_PART_BYTES))


@given(data=st.data(), size=st.integers(1, 20 * BLOCK_BYTES), ratio=st.floats(1, 4))
def test_rows_say_where_each_block_lies_whatever_the_padding(
    data: st.DataObject, size: int, ratio: float
) -> None:
    cut = cut_of(size, ratio=ratio)
    numbers = range(1, cut.parts + 1)
    lengths = [[data.draw(st.integers(1, 99)) for _ in cut.blocks_of(part)] for part in numbers]
    pads = [data.draw(st.integers(0, 9)) for _ in numbers]
    stored = "".join(
        "".join(chr(block) * length for block, length in zip(cut.blocks_of(part), row, strict=True))
        + "_" * pad
        for part, row, pad in zip(numbers, lengths, pads, strict=True)
    )
    sizes = [sum(row) + pad for row, pad in zip(lengths, pads, strict=True)]
    rows = rows_of(cut, lengths, sizes)
    assert [(row.raw_start, row.raw_length) for row in rows] == [
        (cut.block(n).start, cut.block(n).length) for n in range(cut.blocks)
    ]
    for number, row in enumerate(rows):
        found = stored[row.stored_start : row.stored_start + row.stored_length]
        assert found == chr(number) * row.stored_length
