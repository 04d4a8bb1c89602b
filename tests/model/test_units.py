"""How many of what, in words."""

import re
from pathlib import Path

import pytest

import cryoem_cloud
from cryoem_cloud.model.units import counted, visible

_SAID = re.compile(r"\{[^{}]*\} (files|jobs|machines|folders)\b")
_NEVER_ONE = {("take.py", "machines")}


def test_one_is_not_many() -> None:
    assert [counted(n, "file") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert [counted(n, "job is", "jobs are") for n in (1, 2)] == ["1 job is", "2 jobs are"]


def test_no_message_counts_by_itself() -> None:
    sources = Path(cryoem_cloud.__file__).parent.rglob("*.py")
    found = {(file.name, said[1]) for file in sources for said in _SAID.finditer(file.read_text())}
    assert found - {("provider_contract.py", "machines")} == _NEVER_ONE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mic_001.mrc", "mic_001.mrc"),
        ("β-gal Å", "β-gal Å"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\u202ecrm.exe", r"\u202ecrm.exe"),
        ("odd\udcff", "odd\udcff"),
    ],
)
def test_a_terminal_obeys_no_name(text: str, shown: str) -> None:
    assert visible(text) == shown
