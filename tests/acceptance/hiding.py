"""Machines that see nothing of a project, and a project full of files that nobody needs."""

import os
import shlex
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

__all__ = ["DECOYS", "hiding_prefix", "write_decoys"]

_HIDE = """\
#!/bin/bash
# Starts an agent in a mount namespace of its own, where these folders are empty.
exec unshare --mount bash -c '
for folder in {folders}; do mount -t tmpfs none "$folder" || exit; done
exec "$@"
' hide "$@"
"""

DECOYS = ("Movies/decoy.mrc", "decoy.mrcs", "MotionCorr/decoy.mrc", "Extract/job099/decoy.mrcs")
_DECOY_BYTES = 3 * 2**30


def hiding_prefix(program: Path, folders: Iterable[Path]) -> Path:
    """Write a program for CRYOEM_LOCAL_PREFIX that hides the folders from machines."""
    if os.getuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("only root hides folders from its processes")
    words = " ".join(f'"{shlex.quote(str(folder))}"' for folder in folders)
    program.write_text(_HIDE.format(folders=words))
    program.chmod(stat.S_IRWXU)
    return program


def write_decoys(project: Path) -> None:
    """Write 12 GiB that take no room on the disk."""
    for name in DECOYS:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        with (project / name).open("wb") as decoy:
            decoy.truncate(_DECOY_BYTES)
