"""A program that the kernel kills for want of memory: the job says that, and not just -9."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cryoem_cloud.cli.commands.why import explained
from cryoem_cloud.model.job import Outcome

from .conftest import FAILURES, World

_MEMORY = Path("/sys/fs/cgroup/memory")
_LIMIT_BYTES = 32 * 2**20
_WORDS = "ran out of memory"


@pytest.fixture
def small_group(tmp_path: Path) -> Iterator[Path]:
    """A control group (version 1) of little memory; its processes are killed that want more."""
    group = _MEMORY / f"cryoem-test-{os.getpid()}-{tmp_path.name}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(_LIMIT_BYTES))
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    group.rmdir()


@pytest.mark.parametrize("ending", ["", "; exit $?"], ids=["its last command", "passed on"])
def test_a_program_that_the_kernel_kills_ran_out_of_memory(
    world: World, small_group: Path, ending: str
) -> None:
    hungry = shlex.join([sys.executable, "-I", "-c", f"bytearray({8 * _LIMIT_BYTES})"])
    procs = shlex.quote(str(small_group / "cgroup.procs"))
    number = world.submit(f"echo started\necho $$ > {procs}\n{hungry}{ending}\n")
    card = world.wait_for_end(number)
    assert card.outcome is Outcome.FAILURE
    assert _WORDS in (world.project / card.name / "run.err").read_text()
    assert (world.project / card.name / "run.out").read_text() == "started\n"
    assert all((world.project / card.name / marker).exists() for marker in FAILURES)
    assert _WORDS in explained(card, courier=True, here=False)
