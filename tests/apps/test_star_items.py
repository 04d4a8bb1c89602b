"""STAR files cut by their rows."""

import io
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.star import rows_in
from cryoem_cloud.apps.star_items import items_of, with_items
from cryoem_cloud.model.errors import FormatError

_OPTICS = (
    b"# version 30001\n\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnVoltage #2\n_x\n1 300 a\n\n"
)
_HEAD = b"# a remark\ndata_particles\n\nloop_ \n_rlnCoordinateX #1 \n_rlnMicrographName #2\n_y #3\n"
_LABEL = "rlnMicrographName"

_names = st.sampled_from(["a.mrc", "b.mrc", "M/job002/c d.mrc", "ü", "10.5"])
_rows = st.lists(
    st.tuples(_names, st.sampled_from(["{} {!r} 1\n", "\t{}   {!r}  x \n", '{} "{}" "a b"\r\n'])),
    min_size=1,
    max_size=12,
)
_tails = st.sampled_from([b"", b"\n", b"\n\ndata_other\n\n_rlnThing 5\n\n", b"\n# ends\n"])


def _written(rows: list[tuple[str, str]]) -> list[bytes]:
    return [line.format(number, name).encode() for number, (name, line) in enumerate(rows)]


def _shown(data: bytes) -> list[str]:
    rows = rows_in(io.BytesIO(data), _LABEL.__eq__, name="x")
    return [row.values[_LABEL] for row in rows]


@given(_rows, _tails, st.lists(st.integers(0, 5), max_size=4))
def test_parts_together_are_the_list(
    rows: list[tuple[str, str]], tail: bytes, edges: list[int]
) -> None:
    lines = _written(rows)
    data = _OPTICS + _HEAD + b"".join(lines) + tail
    items = items_of(data, _LABEL, name="x.star")
    assert items is not None
    firsts = list(dict.fromkeys(name for name, _ in rows))
    assert [value.decode() for value in items.numbers] == firsts
    assert (items.rows, items.table) == (len(rows), "particles")
    left = list(lines)
    for start, end in pairwise(sorted({0, len(firsts), *(e for e in edges if e < len(firsts))})):
        part = with_items(data, items, range(start, end).__contains__, name="x.star")
        assert part.startswith(_OPTICS + _HEAD)
        assert part.endswith(tail)
        mine = part.removeprefix(_OPTICS + _HEAD)[: -len(tail) or None].splitlines(keepends=True)
        of_part = [line for line in lines if line in mine]
        assert mine == of_part, "in the list's order"
        assert set(_shown(part)) == set(firsts[start:end])
        left = [line for line in left if line not in mine]
    assert left == [], "no row is in no part"


@given(_rows)
def test_all_items_are_the_file_itself(rows: list[tuple[str, str]]) -> None:
    data = (_OPTICS + _HEAD + b"".join(_written(rows))).rstrip(b"\n")
    items = items_of(data, _LABEL, name="x")
    assert items is not None
    assert with_items(data, items, lambda _: True, name="x") == data
    other = data + b"\n\ndata_other\n\n_rlnThing 5\n\n"
    assert with_items(other, items, lambda _: False, name="x") == _OPTICS + _HEAD


def test_rows_that_lie_apart_stay_together() -> None:
    data = _HEAD + b"1 a x\n2 b x\n3 a x\n"
    items = items_of(data, _LABEL, name="x")
    assert items is not None
    assert with_items(data, items, range(1).__contains__, name="x") == _HEAD + b"1 a x\n3 a x\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        _OPTICS,
        b"data_particles\n\n_rlnMicrographName a.mrc\n_y 1\n\n",
        b"data_x\n\nloop_\n_rlnMicrographName #1\na\n\ndata_y\n\nloop_\n_rlnMicrographName #1\nb\n",
        b"data_x\n\nloop_\n_rlnMicrographName #1\n\n",
    ],
)
def test_what_is_no_list_of_items(data: bytes) -> None:
    assert items_of(data, _LABEL, name="x") is None


def test_lists_with_another_label_are_none() -> None:
    data = _HEAD + b"1 a x\n"
    assert items_of(data, _LABEL, name="x", but=("z",)) is not None
    assert items_of(data, _LABEL, name="x", but=("y",)) is None


def test_a_malformed_row_is_named() -> None:
    data = _HEAD + b"1 a x\n2 b\n"
    with pytest.raises(FormatError, match=r"list\.star line 9"):
        items_of(data, _LABEL, name="list.star")


def test_memory_is_that_of_the_rows() -> None:
    row = b"1.25 MotionCorr/job002/Movies/%07d.mrc " + b"0.5 " * 20
    head = b"data_particles\n\nloop_\n_x\n_rlnMicrographName\n" + b"_y\n" * 20
    data = head + b"".join(row % (number // 200) + b"\n" for number in range(40_000))
    tracemalloc.start()
    items = items_of(data, _LABEL, name="x")
    assert items is not None
    _, counting = tracemalloc.get_traced_memory()
    assert len(items.numbers) == 200
    part = with_items(data, items, range(5).__contains__, name="x")
    tracemalloc.stop()
    assert part.count(b"\n") == head.count(b"\n") + 1000
    assert counting < 4 * 2**20 < len(data)
