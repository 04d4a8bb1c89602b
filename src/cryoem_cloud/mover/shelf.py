"""Keeps gains open that are used, and a folder of those that were learnt."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile, mkstemp
from typing import BinaryIO, TypeVar

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.keys import gain_key, is_gain_key
from cryoem_cloud.mover.codec import Gain
from cryoem_cloud.mover.gain_object import gain_in

__all__ = ["Shelf"]

_T = TypeVar("_T")

_MOST_OPEN = 16
_MOST_KEPT = 16
_ITEM = 4


class Shelf:
    """Gains by their names, those used last first. Without a folder, only those that are open."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._open: OrderedDict[str, Gain] = OrderedDict()

    def likely(self, pixels: int) -> Iterator[Gain]:
        """Gains for frames of so many pixels."""
        opened = [gain for gain in reversed(self._open.values()) if gain.pixels == pixels]
        yield from opened
        for path in self._kept():
            if path.name not in {Path(gain.name).name for gain in opened}:
                gain = self.taken(f"gains/{path.name}", pixels)
                if gain is not None:
                    yield gain

    def taken(self, name: str, pixels: int | None = None) -> Gain | None:
        """The gain of that name, if it is here, whole, and for so many pixels."""
        if name in self._open:
            self._open.move_to_end(name)
            return self._open[name]
        if self._folder is None or not is_gain_key(name):
            return None
        path = self._folder / Path(name).name
        try:
            if pixels is not None and path.stat().st_size != _ITEM * pixels:
                return None
            with path.open("rb") as file:
                gain = gain_in(name, file)
            os.utime(path)
        except CorruptObjectError:
            path.unlink(missing_ok=True)
            return None
        except OSError:
            return None
        self.put(gain)
        return gain

    def put(self, gain: Gain) -> None:
        """Keep it open, in the place of one that was not used for long."""
        self._open[gain.name] = gain
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)

    def learnt(
        self, write: Callable[[BinaryIO], str], *, fit: Callable[[Gain], _T | None]
    ) -> _T | None:
        """Keep the gain that `write` writes, whose digest it gives, if it has a fit; and that.

        Raises:
            OSError: There is no room for it.
        """
        with self._new_file() as (file, path):
            gain = gain_in(gain_key(write(file)), file)
            found = fit(gain)
            if found is not None:
                self.put(gain)
                if path is not None:
                    path.replace(path.with_name(Path(gain.name).name))
        self._drop_old()
        return found

    @contextmanager
    def _new_file(self) -> Iterator[tuple[BinaryIO, Path | None]]:
        """A file, and its name beside the others', which is gone in the end."""
        if self._folder is None:
            with TemporaryFile() as file:
                yield file, None
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = mkstemp(dir=self._folder, prefix=".")
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file, Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def _kept(self) -> list[Path]:
        """The files in the folder, those used last first."""
        found: list[tuple[int, Path]] = []
        with suppress(OSError):
            for path in self._folder.iterdir() if self._folder else ():
                with suppress(FileNotFoundError):
                    found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found, reverse=True)]

    def _drop_old(self) -> None:
        for path in self._kept()[_MOST_KEPT:]:
            path.unlink(missing_ok=True)
