"""What a script has left that it is judged by: markers, ends of logs, beginnings of files."""

from collections.abc import Sequence
from pathlib import Path

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.paths import normal
from cryoem_cloud.ports.application import START_BYTES

__all__ = ["markers", "start_of", "tail"]

_TAIL_BYTES = 256 * 1024
"""Of a log, to be judged by: RELION may say a line for each of thousands of micrographs."""


def markers(root: Path, outputs: Sequence[str], held: Sequence[str]) -> tuple[str, ...]:
    """Which of these names stand in the output folders."""
    return tuple(name for output in outputs for name in held if (root / output / name).exists())


def start_of(root: Path, path: str) -> bytes:
    """How a file of the project's begins; nothing where it cannot be read."""
    try:
        with (root / normal(path)).open("rb") as file:
            return file.read(START_BYTES)
    except (OSError, RefusedError):
        return b""


def tail(log: Path, start: int) -> str:
    """The end of a log, of what was written behind so many bytes."""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace")
