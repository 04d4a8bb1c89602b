"""The page about the published comparison is made from the data, and so are its pictures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.published.page import DOCS, page_of
from cryoem_cloud.planner.published import pipeline, replayed

PAGE = DOCS / "explanation" / "published-comparison.md"


def test_the_page_is_what_the_data_give() -> None:
    assert PAGE.read_text() == page_of(pipeline("10061")), "python -m benchmarks.published.page"


@pytest.mark.soak  # for seconds of matplotlib
def test_the_command_writes_page_and_pictures(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.published.page", "--folder", str(tmp_path)]
    subprocess.run(command, check=True)
    assert (tmp_path / "explanation" / PAGE.name).read_text() == PAGE.read_text()
    for name in ("published-hours.svg", "published-usd.svg"):
        for folder in (tmp_path, DOCS):
            said = set(re.findall("<!-- (.*?) -->", (folder / "images" / name).read_text()))
            steps = {each.step.name for each in replayed(pipeline("10061")).steps}
            assert steps <= said, f"{folder}: {name}"
