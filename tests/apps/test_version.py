"""Which version RELION's programs have, as they say it themselves."""

import os
import re
from functools import partial
from pathlib import Path

import pytest

from cryoem_cloud.apps.printing import printed
from cryoem_cloud.apps.relion import Relion


@pytest.mark.relion
def test_relion_says_its_version() -> None:
    said = Relion().version(partial(printed, environment={"PATH": os.environ["PATH"]}))
    assert re.fullmatch(r"[3-9]\.\d\.\d", said)


def test_what_cannot_be_run_has_no_version(tmp_path: Path) -> None:
    broken = tmp_path / "relion_refine"
    broken.write_text("#!/bin/sh\necho 'RELION version: 5.0.1'; exit 1\n")
    broken.chmod(0o755)
    for path in (tmp_path, tmp_path / "none"):
        assert Relion().version(partial(printed, environment={"PATH": str(path)})) == ""


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("RELION version: 3.1.3 \nPrecision: BASE=double", "3.1.3"),
        ("RELION version: 5.0.1-commit-0a1b2c", "5.0.1"),
        ("RELION version: 5.0-beta-0", "5.0"),
        ("nothing", ""),
    ],
)
def test_it_is_read_from_what_they_print(line: str, version: str) -> None:
    assert Relion().version(lambda _: line) == version
