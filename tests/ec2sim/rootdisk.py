"""A machine's root disk: what it writes, over what the host (or a folder with a system) has."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RootDisk"]

_OPAQUE = "trusted.overlay.opaque"
_DEVICE = 0o020000
_ODD = frozenset(":,\\")


@dataclass(frozen=True, slots=True)
class RootDisk:
    """The layers of an overlay file system; `upper` outlives stops and reboots."""

    lower: Path
    folder: Path

    @property
    def upper(self) -> Path:
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def make(self) -> bool:
        """See to it that it exists; whether it is new.

        Raises:
            ValueError: Its path has a character that mount's options cannot hold.
        """
        if _ODD.intersection(f"{self.lower}{self.folder}"):
            raise ValueError(f"{self.folder}: a path with one of : , \\ cannot hold a root disk")
        new = not self.upper.exists()
        for layer in (self.upper, self.work, self.root):
            layer.mkdir(parents=True, exist_ok=True)
        self.upper.chmod(0o755)
        return new

    def write(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Have the machine find this file, whatever is below."""
        place = self._above(Path(path).parent) / Path(path).name
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        place.chmod(mode)

    def hide(self, paths: Iterable[str]) -> None:
        """Have folders empty and files absent in the machine; what is not there is hidden."""
        hidden: list[Path] = []
        for path in paths:
            real = Path(os.path.realpath(self.lower / path.lstrip("/")))
            if not real.is_relative_to(self.lower) or not os.path.lexists(real):
                continue
            if any(real.is_relative_to(above) for above in hidden):
                continue
            hidden.append(real)
            inside = real.relative_to(self.lower)
            if real.is_dir():
                os.setxattr(self._above(inside), _OPAQUE, b"y")
            else:
                os.mknod(self._above(inside.parent) / inside.name, _DEVICE)

    def text(self, path: str) -> str:
        """What the machine has written into this file; empty if it has not."""
        with contextlib.suppress(OSError):
            return (self.upper / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
        return ""

    def copy_to(self, place: Path) -> None:
        """Keep what is written so far, what is hidden included, in a folder that is not there."""
        place.parent.mkdir(parents=True, exist_ok=True)
        _copy(self.upper, place)

    def begin_with(self, image: Path) -> None:
        """Have it hold what was kept there, instead of anything else."""
        shutil.rmtree(self.upper)
        _copy(image, self.upper)

    def remove(self) -> None:
        """See to it that it does not exist."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _above(self, path: Path) -> Path:
        """This folder in the upper layer, with the mode and owner that it has below."""
        made = self.upper
        below = self.lower
        for name in path.parts:
            if name == "/":
                continue
            made, below = made / name, below / name
            if not made.exists():
                made.mkdir()
                if below.is_dir():
                    shutil.copystat(below, made)
                    status = below.stat()
                    os.chown(made, status.st_uid, status.st_gid)
        return made


def _copy(source: Path, target: Path) -> None:
    """With all attributes, as overlays have what is hidden in them."""
    subprocess.run(("cp", "--archive", str(source), str(target)), check=True)
