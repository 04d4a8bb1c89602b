"""Many rows at a time are the rows one at a time."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps import star
from cryoem_cloud.model.errors import FormatError

_HEAD = b"data_x\n\nloop_\n_rlnA #1\n_rlnB #2\n_rlnC #3\n"


class Dribble(io.BytesIO):
    """A file that gives a few bytes at a time, so that lines and tables are cut anywhere."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self._size, size or 1))


def read(data: bytes, size: int = 1 << 30, *labels: str) -> list[tuple[str, int, dict[str, str]]]:
    """All rows; of a malformed file, those before and the message."""
    wanted = set(labels or ("rlnA", "rlnC")).__contains__
    found: list[tuple[str, int, dict[str, str]]] = []
    try:
        rows = star.rows_in(Dribble(data, size), wanted, name="x")
        found.extend((row.table, row.line, row.values) for row in rows)
    except FormatError as error:
        found.append((error.message, 0, {}))
    return found


def test_many_rows_come_with_their_lines() -> None:
    rows = b"".join(b"a%d\t b  c%d \n" % (number, number) for number in range(50_000))
    found = read(_HEAD + rows + b" \ndata_y\nloop_\n_rlnA\n_rlnZ\n_rlnZZ\n1 2 3\n4 5 6")
    assert len(found) == 50_002
    assert found[49_999] == ("x", 50_006, {"rlnA": "a49999", "rlnC": "c49999"})
    assert found[-1] == ("y", 50_014, {"rlnA": "4"})


@pytest.mark.parametrize("between", [b"\n", b" \n", b"\n\n", b"\t\n\n"])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_table_ends_at_its_first_blank_line(between: bytes, width: int, count: int) -> None:
    labels = b"".join(b"_rlnN%d\n" % number for number in range(width))
    first = b"data_first\n\nloop_\n" + labels + b"1 " * width + b"\n"
    first += (b"1 " * width + b"\n") * (count - 1)
    found = read(first + between + b"data_second\n\nloop_\n_rlnA\n_rlnB\n2 3\n4 5\n", 1 << 30)
    assert [(table, values) for table, _, values in found] == [
        ("second", {"rlnA": "2"}),
        ("second", {"rlnA": "4"}),
    ]


@pytest.mark.parametrize(
    "row", [b"1 2\n3 4 5 6\n", b"1 2 3 4\n5 6\n", b"1\n2\n3\n", b"1 2 3 4 5 6\n"]
)
def test_rows_that_are_malformed_only_each_for_itself_are_named(row: bytes) -> None:
    found = read(_HEAD + b"1 2 3\n" * 1000 + row + b"1 2 3\n" * 1000)
    assert len(found) == 1001
    assert found[-1][0].startswith("x line 1007: ")


@pytest.mark.parametrize("odd", [b"'a' b c", b"a b c # why", b"a b\r c\r", b"a \0 b", b'"a b" c d'])
def test_an_odd_row_among_many_is_read_as_alone(odd: bytes) -> None:
    rows = b"1 2 3\n" * 1000
    among, alone = read(_HEAD + rows + odd + b"\n" + rows), read(_HEAD + odd + b"\n")
    assert among[1000][2] == alone[0][2]
    assert among[-1][1] == 2007


_PIECES = st.sampled_from(
    [b"a", b"1@s.mrcs", b"'a b'", b'"', b"#", b"\0", b"\r", b"\v", b"\xe9"]
) | st.binary(max_size=3)
_GAPS = st.sampled_from([b" ", b"  ", b"\t", b" \t"])
_ENDS = st.sampled_from([b"\n", b"\n", b" \n", b"\r\n", b"\n\n", b"\n \n"])
_PLAIN = st.tuples(st.just(b"1 2 3"), st.just(b"\n")).map(b"".join)
_ODD = st.tuples(_PIECES, _GAPS, _PIECES, _GAPS, _PIECES, _ENDS).map(b"".join)
_TABLES = st.sampled_from([_HEAD, b"\ndata_y\n_rlnA 7\n_rlnC 'x y'\n", b"\nloop_\n_rlnC\n"])


@given(
    parts=st.lists(st.one_of(_PLAIN, _PLAIN, _ODD, _TABLES), max_size=30),
    size=st.integers(1, 200),
)
def test_where_a_file_is_cut_does_not_matter(parts: list[bytes], size: int) -> None:
    data = _HEAD + b"".join(parts)
    assert read(data, size) == read(data) == read(data, 1)


def test_a_file_of_tiny_tables_is_read_in_time() -> None:
    table = b"data_x\nloop_\n_rlnA\n1\n2\n \n"
    assert len(read(table * 4_000, 1 << 30, "rlnA")) == 8_000


def test_random_lists_are_what_they_were(tmp_path_factory: pytest.TempPathFactory) -> None:
    dice = random.Random(7)
    table = [[str(dice.randrange(10**9)) for _ in range(25)] for _ in range(3000)]
    head = "data_t\nloop_\n" + "".join(f"_rln{at}\n" for at in range(25))
    path = tmp_path_factory.mktemp("star") / "x.star"
    path.write_text(head + "".join("  ".join(row) + " \n" for row in table))
    found = [row.values["rln7"] for row in star.rows(path, "rln7".__eq__)]
    assert found == [row[7] for row in table]
