"""What commands of other programs print."""

import subprocess
from collections.abc import Mapping, Sequence

__all__ = ["printed"]

_LONGEST_S = 60.0


def printed(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a command prints, within a minute; nothing where it cannot be run, or fails."""
    try:
        done = subprocess.run(
            list(command),
            check=False,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LONGEST_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""
