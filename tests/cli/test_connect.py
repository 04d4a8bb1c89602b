"""`cryoem connect relion` where RELION has saved the fields of another queue."""

import os
import pty
import subprocess
from pathlib import Path

import pytest

from .conftest import BIN, User

_SAVED = """
data_joboptions_values

loop_
_rlnJobOptionVariable #1
_rlnJobOptionValue #2
  do_queue        Yes\x20
      qsub     sbatch\x20
qsubscript /cluster/sub.sh\x20

"""


@pytest.fixture
def saved(user: User) -> Path:
    file = user.folder / ".gui_class2djob.star"
    file.write_text(_SAVED)
    file.chmod(0o664)
    return file


def test_saved_fields_are_told_and_left(user: User, saved: Path) -> None:
    said = user.cryoem("connect", "relion").out
    assert f"    {saved.name}  Standard submission script: /cluster/sub.sh, " in said
    assert "cryoem connect relion --fix-gui" in said
    assert saved.read_text() == _SAVED


def test_saved_fields_are_changed_when_that_is_asked_for(user: User, saved: Path) -> None:
    assert f"changed {saved.name}" in user.cryoem("connect", "relion", "--fix-gui").out
    text = saved.read_text()
    assert f"      qsub {BIN}/cryoem-qsub \n" in text
    assert f'qsubscript "{user.folder.resolve()}/qsub-template.sh" \n' in text
    assert saved.stat().st_mode & 0o777 == 0o664
    assert saved.name not in user.cryoem("connect", "relion").out


@pytest.mark.parametrize(("answer", "changed"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_it_asks(user: User, saved: Path, answer: str, *, changed: bool) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [BIN / "cryoem", "connect", "relion"],
        cwd=user.folder,
        env=user.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        said = b""
        while True:
            try:
                said += os.read(ours, 4096)
            except OSError:  # Linux's way to say that nobody writes any more
                break
        os.close(ours)
    assert process.returncode == 0, said
    assert b"Change them (with RELION closed)? [y/N]" in said
    assert (saved.read_text() != _SAVED) == changed
