"""Patterns match what bash says they match."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.patterns import matching, may_lie_in

_NAMES = (
    "a.tif", "b.tif", "B.tif", "ab.tif", "a[1].tif", "a*.tif", ".hidden.tif", "-.tif", "!x", "^x",
    "a]b", "10", "9", "é.tif", "sub/a.tif", "sub/.h/a.tif", "sub/deep/b.tif", "two/a.tif",
    ".dot/a.tif", "[x", "a\\b", "new\nline",
)  # fmt: skip

_PATTERNS = (
    "*.tif", "*", "?.tif", ".*.tif", "[ab].tif", "[!a].tif", "[^a].tif", "[a-c]*", "[c-a]*", "[]x]",
    "a[]]b", "[[]x", "[x", "a\\*.tif", "a\\[1].tif", "*/a.tif", "*/*/*.tif", "sub/*", "sub/a.tif",
    "sub/a*", "./*.tif", "sub//*.tif", ".*/a.tif", "**/a.tif", "[[:digit:]]*", "[[:upper:]]*",
    "[!-]*.tif", "[a-]*", "a?b", "nothing*", "sub", "sub/nothing", "a.tif/*", "*\\\\*", "?*?",
)  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patterns")
    for name in _NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "dangling.tif").symlink_to("nowhere")
    (folder / "linked").symlink_to("sub")
    return folder


def bash_matches(folder: Path, pattern: str) -> list[str]:
    """The files that bash expands the pattern to, letters by Unicode, order by bytes.

    A word in which bash sees no pattern stays as it is, whether or not there is such a file.
    """
    said = subprocess.run(
        ["bash", "-c", f"shopt -s nullglob; printf '%s\\0' {pattern}"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
    ).stdout
    names = [os.path.normpath(os.fsdecode(name)) for name in said.split(b"\0") if name]
    return [name for name in names if os.path.lexists(folder / name)]


@pytest.mark.parametrize("pattern", _PATTERNS)
def test_what_matches_is_what_bash_says(project: Path, pattern: str) -> None:
    assert matching(Here(project), pattern) == bash_matches(project, pattern)


_PIECES = st.sampled_from(["*", "?", "[", "]", "!", "^", "-", "a", "b", "x", ".", "tif", "/", "1"])


@given(pieces=st.lists(_PIECES, min_size=1, max_size=7))
def test_any_pattern_matches_what_bash_says(project: Path, pieces: list[str]) -> None:
    pattern = "".join(pieces).lstrip("/-").rstrip("/")
    if not any(sign in pattern for sign in "*?[") or ".." in pattern:
        return
    assert matching(Here(project), pattern) == bash_matches(project, pattern)


@pytest.mark.parametrize(
    ("pattern", "folder", "may"),
    [
        ("Class2D/*/run*.mrc", "Class2D/job005", True),
        ("Class2D/job00?/*", "Class2D/job015", False),
        ("*", "maps", True),
        ("*", "maps/mine", False),
        ("maps/mine/x", "maps/mine", True),
        ("maps/min", "maps/mine", False),
        ("*.mrc", ".", True),
    ],
)
def test_a_pattern_may_mean_what_a_folder_will_hold(pattern: str, folder: str, may: bool) -> None:  # noqa: FBT001
    assert may_lie_in(pattern, folder) is may
