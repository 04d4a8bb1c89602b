"""What tests of the mover share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mover.filmed import Movies, a_movie


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """Their files are large, and pytest would keep those of three runs."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Movies]:
    """Two of one camera, and one of another."""
    folder = tmp_path_factory.mktemp("movies")
    first = a_movie(folder / "1.mrc")
    yield first, a_movie(folder / "2.mrc", seed=2), a_movie(folder / "3.mrc", gain=8)
    shutil.rmtree(folder)


@pytest.fixture
def movie(movies: Movies) -> Path:
    return movies[0]
