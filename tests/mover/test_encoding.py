"""Files are encoded where that is faster, by what was measured."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.mover.encoding import Kinds, Use, is_worth_it
from cryoem_cloud.mover.source import Source

MB = 1_000_000


@pytest.mark.parametrize(
    ("ratio", "speed", "cores", "link", "worth"),
    [
        (4.2, 1000 * MB, 2, 125 * MB, True),  # counts at 1 Gbit/s
        (4.2, 1000 * MB, 2, None, True),
        (1.38, 860 * MB, 2, None, False),
        (1.38, 860 * MB, 2, 125 * MB, True),  # micrographs
        (1.04, 5000 * MB, 2, 12 * MB, False),  # LZW
        (1.09, 5000 * MB, 2, 12 * MB, False),  # gains less than it may cost
        (4.2, 300 * MB, 2, 1250 * MB, False),  # cores too slow for 10 Gbit/s
        (4.2, 1100 * MB, 2, 1500 * MB, False),  # who sends and digests has no core left
        (4.2, 1100 * MB, 4, 1500 * MB, True),
        (4.2, 600 * MB, 2, 600 * MB, True),
        (16.0, 900 * MB, 2, 1200 * MB, False),  # a loopback
    ],
)
def test_what_is_worth_it(
    ratio: float, speed: float, cores: int, link: float | None, *, worth: bool
) -> None:
    assert is_worth_it(ratio, speed, cores=cores, link=link) == worth


@given(
    ratio=st.floats(0.9, 50),
    speed=st.floats(1, 5000),
    cores=st.integers(1, 64),
    link=st.floats(1, 5000),
)
def test_it_is_never_slower_than_sending_raw_bytes(
    ratio: float, speed: float, cores: int, link: float
) -> None:
    if is_worth_it(ratio, speed, cores=cores, link=link):
        assert min(cores * speed, ratio * link) >= link


def used(kinds: Kinds, path: Path, *, link: float | None = None) -> Use | None:
    with Source(path) as source:
        return kinds.use(source, link=link)


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "movie.mrc"
    counts = random.Random(5).randbytes(4 * MB).translate(bytes(n % 4 for n in range(256)))
    path.write_bytes(bytes(1024) + counts)
    return path


def test_a_kind_is_judged_by_what_was_measured_since(movie: Path) -> None:
    kinds = Kinds(Encoding.AUTO, cores=2)
    use = used(kinds, movie, link=100.0 * MB)
    assert use
    kinds.measured(use, raw=100 * MB, stored=30 * MB, seconds=100.0)
    assert used(kinds, movie, link=100.0 * MB) is None
    assert used(kinds, movie, link=0.5 * MB)


def test_a_file_is_encoded_as_was_asked_for(movie: Path) -> None:
    assert used(Kinds(Encoding.NONE, cores=2), movie) is None
    plain, best = used(Kinds(Encoding.PLAIN, cores=2), movie), used(Kinds(Encoding.AUTO, 2), movie)
    assert plain
    assert plain.plain
    assert best
    assert not best.plain
    assert best.ratio > plain.ratio
