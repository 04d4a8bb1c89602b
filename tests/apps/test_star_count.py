"""Rows are counted as they are read one by one, wherever the file is cut."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.apps import star_count
from cryoem_cloud.apps.star import rows_in
from cryoem_cloud.apps.star_count import counted

_OPTICS = """
# version 30001

data_optics

loop_
_rlnOpticsGroup #1
_rlnImageSize #2
_rlnImageDimensionality #3
1 256 2

"""
_PARTICLES = """
data_particles

loop_
_rlnImageName #1
_rlnMicrographName #2
_rlnOpticsGroup #3
"""
_NEXT = "\n\ndata_else\n\nloop_\n_rlnA #1\n_rlnB #2\n1 2\n3 4\n"


def rows(number: int) -> str:
    return "".join(f"{n:06d}@Extract/job003/a.mrcs M/a.mrc 1 \n" for n in range(1, number + 1))


def count(text: str, *tables: str) -> star_count.Counted:
    file = io.BytesIO(text.encode())
    wanted = {"rlnImageName", "rlnImageSize"}
    return counted(file, tables or ("particles",), wanted, name="p.star")


def test_the_rows_and_the_first_values_are_told() -> None:
    found = count(_OPTICS + _PARTICLES + rows(3) + " \n")
    assert (found.table, found.rows) == ("particles", 3)
    assert found.first == {"rlnImageName": "000001@Extract/job003/a.mrcs", "rlnImageSize": "256"}


@settings(max_examples=80)
@given(
    st.integers(1, 40),
    st.sampled_from(("", f"{_NEXT}", f" {_NEXT}", f" \t {_NEXT}")),
    st.sampled_from(("\n", "\r\n")),
    st.integers(1, 300),
)
def test_they_are_as_many_as_are_read(number: int, after: str, line_end: str, chunk: int) -> None:
    text = (_OPTICS + _PARTICLES + rows(number) + after).replace("\n", line_end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(star_count, "_CHUNK_BYTES", chunk)
        found = count(text)
    label = "rlnMicrographName"
    read = list(rows_in(io.BytesIO(text.encode()), label.__eq__, table="particles", name="p"))
    assert found.rows == len(read) == number


def test_a_last_row_without_an_end_counts() -> None:
    assert count(_PARTICLES + rows(2).rstrip()).rows == 2


def test_lists_from_before_3_1_have_one_table_of_any_name() -> None:
    old = "\ndata_\n\nloop_\n_rlnImageName #1\n_rlnB #2\n1@a.mrcs 1\n2@a.mrcs 1\n\n"
    assert count(old, "particles", "").rows == 2


@pytest.mark.parametrize("text", ["", "x", "data_particles\n\n_rlnA 1\n", _OPTICS])
def test_what_has_no_such_table_has_no_rows(text: str) -> None:
    assert (count(text).table, count(text).rows) == ("", 0)
