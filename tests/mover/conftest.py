"""What tests of the mover share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """Their files are large, and pytest would keep those of three runs."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)
