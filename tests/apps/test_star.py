"""STAR files as RELION reads them."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps import star
from cryoem_cloud.model.errors import FormatError

_MOVIES = """\

# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMtfFileName #3
opticsGroup1 1 mtf.star


# version 30001

data_movies

loop_
_rlnMicrographMovieName #1
_rlnOpticsGroup #2
Movies/a.tif            1
"Movies/two words.tif"  1
Movies/don't.tif 1
"Movies/say "so".tif" 1
Movies/hash#mark.tif 1

this is no row any more
"""


def values(path: Path, *labels: str, table: str | None = None) -> list[tuple[str, int, list[str]]]:
    found = star.rows(path, set(labels).__contains__, table=table)
    return [(row.table, row.line, list(row.values.values())) for row in found]


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "x.star"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_rows_come_with_their_table_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, _MOVIES)
    assert values(path, "rlnMicrographMovieName") == [
        ("movies", 20, ["Movies/a.tif"]),
        ("movies", 21, ["Movies/two words.tif"]),
        ("movies", 22, ["Movies/don't.tif"]),
        ("movies", 23, ['Movies/say "so".tif']),
        ("movies", 24, ["Movies/hash#mark.tif"]),
    ]


def test_a_label_counts_in_every_table_unless_one_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, _MOVIES)
    tables = [table for table, _, _ in values(path, "rlnOpticsGroup")]
    assert tables == ["optics", *["movies"] * 5]
    assert len(values(path, "rlnOpticsGroup", table="optics")) == 1


@pytest.mark.parametrize("before", ["\ufeff", "# ", " "])
def test_a_table_may_begin_behind_other_signs(tmp_path: Path, before: str) -> None:
    """As where an editor of Windows has put its byte order mark before a list of RELION 3.0's."""
    text = f"{before}data_movies\n\nloop_\n_rlnMicrographMovieName #1\n_rlnX #2\nMovies/a.tif 1\n"
    found = values(written(tmp_path, text), "rlnMicrographMovieName")
    assert found == [("movies", 6, ["Movies/a.tif"])]


def test_a_table_without_loop_gives_a_row_a_label(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "data_optimiser_general\n\n_rlnModelStarFile   C/run_model.star # why\n"
        "# a remark\n_rlnSolventMaskName 'my mask.mrc'\n\n_rlnOther 3\n",
    )
    assert values(path, "rlnModelStarFile", "rlnSolventMaskName") == [
        ("optimiser_general", 3, ["C/run_model.star"]),
        ("optimiser_general", 5, ["my mask.mrc"]),
    ]


def test_a_loop_may_follow_a_list_in_one_table(tmp_path: Path) -> None:
    path = written(tmp_path, "data_\n_rlnA 1\nloop_\n_rlnB #1\n2\n3\n")
    assert [row[2] for row in values(path, "rlnA", "rlnB")] == [["1"], ["2"], ["3"]]


def test_bytes_that_are_no_text_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, b"data_\nloop_\n_rlnA #1\nx\xe9.mrc\n")
    assert values(path, "rlnA")[0][2] == ["x\udce9.mrc"]


def test_windows_line_ends_are_no_part_of_values(tmp_path: Path) -> None:
    path = written(tmp_path, "data_\r\n\r\nloop_\r\n_rlnA #1\r\n_rlnB #2\r\na b\r\n\r\n")
    assert values(path, "rlnB") == [("", 6, ["b"])]


@pytest.mark.parametrize(
    ("row", "what"),
    [("a b", "2 columns"), ("a b c d", "4 columns"), ('a b "c', "not closed")],
)
def test_a_malformed_row_is_named_by_its_line(tmp_path: Path, row: str, what: str) -> None:
    path = written(tmp_path, f"data_\nloop_\n_rlnA #1\n_rlnB #2\n_rlnC #3\n1 2 3\n{row}\n")
    with pytest.raises(FormatError, match=f"line 7: .*{what}"):
        values(path, "rlnA")


def test_short_rows_of_narrow_tables_are_no_error(tmp_path: Path) -> None:
    path = written(tmp_path, "data_\nloop_\n_rlnA #1\n_rlnMtfFileName #2\na\n")
    assert values(path, "rlnMtfFileName") == []


@pytest.mark.parametrize("first", ["loop_\n_rlnA #1\na\n", "loop_\n_rlnA #1\n_rlnB #2\na b\n"])
@pytest.mark.parametrize("second", ["loop_\n_rlnImageName #1\nx.mrcs\n", "_rlnImageName x.mrcs\n"])
def test_a_table_right_behind_rows_is_no_row(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / "x.star"
    path.write_text(f"data_\n{first}data_particles\n{second}")
    with pytest.raises(FormatError, match="a table begins; RELION needs a blank line before it"):
        list(star.rows(path, {"rlnA", "rlnImageName"}.__contains__))


def test_an_endless_line_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    path = written(tmp_path, b"data_\nloop_\n_rlnA #1\n" + b"x" * 3_000_000)
    with pytest.raises(FormatError, match="line 4: too long"):
        values(path, "rlnA")


def test_a_named_file_is_named_in_messages() -> None:
    file = io.BytesIO(b"data_\n_rlnA\n")
    with pytest.raises(FormatError, match=r"^Import/job001/movies\.star line 2"):
        list(star.rows_in(file, lambda _: True, name="Import/job001/movies.star"))


_WORD = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8
)


def _bare(word: str) -> bool:
    return word[0] not in "\"'#_;" and "loop_" not in word and "data_" not in word


@given(table=st.lists(st.tuples(_WORD.filter(_bare), _WORD.filter(_bare), _WORD.filter(_bare))))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]]
) -> None:
    head = "data_t\n\nloop_\n_rlnA #1\n_rlnB #2\n_rlnC #3\n"
    text = head + "".join(" ".join(row) + "\n" for row in table)
    path = written(tmp_path_factory.mktemp("star"), text)
    assert [tuple(row[2]) for row in values(path, "rlnA", "rlnB", "rlnC")] == table


_PIECES = st.sampled_from(
    [
        "data_",
        "data_x",
        "loop_",
        "_rlnA",
        "_rlnB #2",
        "\n",
        "\n",
        " ",
        "\t",
        '"',
        "'",
        "#",
        "a",
        "\r",
    ]
)


@given(text=st.lists(_PIECES | st.text(max_size=3), max_size=40))
def test_any_text_gives_rows_or_a_format_error(
    tmp_path_factory: pytest.TempPathFactory, text: list[str]
) -> None:
    raw = "".join(text).encode("utf-8", "surrogatepass")
    path = written(tmp_path_factory.mktemp("star"), raw)
    try:
        found = values(path, "rlnA", "rlnB")
    except FormatError as error:
        found = []
        named = " line " in error.message
    else:
        named = True
    assert named
    assert all(row[2] for row in found)
