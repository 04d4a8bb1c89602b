"""Every test has a home of its own, and nothing of who runs it."""

import functools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_read = functools.cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda _, path: _read(path)
"""Each of botocore's models is read once a process: EC2's takes 0.3 s, in each test's session."""

_NOBODY = 65534

_LONGEST = (
    "test_relion_suite.py",
    "test_leaks.py",
    "test_second_laptop.py",
    "test_chaos.py",
    "test_pieces_programs.py",
    "test_resume.py",
    "test_realistic.py",
    "test_kills.py",
    "test_pieces_by_hand.py",
    "test_pipeliner.py",
    "test_resume_by_hand.py",
)
"""Files of tests that `make soak` begins with, so that nothing long is left for its end.

What comes after a file of one test waits for it in the same process, so that it is a short one.
"""
_VERSION = re.compile(r"\[.*(3\.1\.3|5\.0\.1)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.markexpr == "soak":
        places = {name: place for place, name in enumerate(_LONGEST)}
        items.sort(key=lambda item: places.get(item.path.name, len(places)))


class _ByVersion(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """One process has all tests of a file and a version of RELION: these share what takes minutes.

    Of a campaign any process may have the next seeds.

    Not by xdist's groups: xdist 3.8 does not see those with pytest 9.
    """

    def _split_scope(self, nodeid: str) -> str:
        if "[seeds " in nodeid:
            return nodeid
        version = _VERSION.search(nodeid)
        return f"{nodeid.partition('::')[0]} {version[1] if version else ''}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling | None:
    return _ByVersion(config, log) if config.option.dist == "loadscope" else None


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in tuple(os.environ):
        if name.startswith(("XDG_", "AWS_", "CRYOEM_", "RELION_")):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A folder of somebody who is not root, and to be that user: root may write everywhere."""
    folder = Path(tempfile.mkdtemp())
    as_root = os.geteuid() == 0
    if as_root:
        os.chown(folder, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
    try:
        yield folder
    finally:
        if as_root:
            os.seteuid(0)
        for path in folder.rglob("*"):
            path.chmod(0o700)
        shutil.rmtree(folder)
