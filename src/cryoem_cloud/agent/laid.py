"""Files that were made before and laid out for a script that joins them: they stay as they are."""

from collections.abc import Iterable
from pathlib import Path

from cryoem_cloud.model.file import Stamp
from cryoem_cloud.mover.stamp import stamp_of

__all__ = ["Laid"]


class Laid:
    """What such files are like at first."""

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self._root = root
        self._stamps = {path: self._stamp(path) for path in sorted(paths)}

    def made_again(self) -> str:
        """Why a script that changes one of them must not go on; "" while all are as they were."""
        changed = (path for path, stamp in self._stamps.items() if self._stamp(path) != stamp)
        path = next(changed, "")
        if not path:
            return ""
        return (
            f"{path}, which a piece of the job had made, was made again when the pieces were "
            "joined: this version of the program does not go on where others stopped; submit the "
            "job again with pieces=1"
        )

    def _stamp(self, path: str) -> Stamp | None:
        try:
            return stamp_of(self._root / path)
        except OSError:
            return None
