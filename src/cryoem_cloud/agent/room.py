"""Whether a turn's folder will do for the job's programs."""

import os
from pathlib import Path

from cryoem_cloud.model.errors import RefusedError

__all__ = ["require_short"]


def require_short(folder: Path, longest: int | None) -> None:
    """See to it that the path of `folder`, without links, has at most `longest` bytes.

    Raises:
        RefusedError: It has more.
    """
    real = os.fsencode(folder.resolve())
    if longest is not None and len(real) > longest:
        raise RefusedError(
            f"the machine would run the script in {folder.resolve()}, a path of {len(real)} "
            f"characters, and the job's programs take at most {longest}",
            hint="machines of this computer work below XDG_STATE_HOME, or HOME/.local/state: name "
            "a folder with a shorter path there (export XDG_STATE_HOME=/…), or make "
            "~/.local/state a link to one",
        )
