"""Sends or fetches a file, and prints its peak of memory.

Words: way, file, encoding, and how many parts a store takes, if not as many as S3.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.mover import cut
from cryoem_cloud.mover.engine import SEND_BYTES, Engine, Line
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.mover.push import send_file
from cryoem_cloud.ports.parts import Buffer, SentPart, Take
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.filling import Filling
from tests.mover.parted import FolderParts, PartedStore

_LINE = Line(beyond_bytes_per_s=1e8)
"""A disk is faster than encoding, and nothing would be encoded for it."""
PROJECT, KEY = "ribosome-00000000", "mirror/movie.mrc"


class Sink(FolderParts):
    """Takes parts and keeps nothing; reads from the folder's objects into the buffer itself."""

    def __init__(self, store: DirectoryStore, folder: Path) -> None:
        super().__init__(store, folder)
        self._root = folder.parent / "store"

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """Two passes over the part, as to a server: for the checksum, and to send it."""
        check = 0
        for piece in pieces:
            check = crc32(piece, check)
        return SentPart(number, sum(len(piece) for piece in pieces), "tag", f"{check:08x}")

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """Nothing."""

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        """See the port."""
        filling = Filling(buffer, length, take)
        with (self._root / key).open("rb", buffering=0) as file:
            file.seek(start)
            while room := filling.room:
                filling.add(file.readinto(room))


def main(way: str, path: Path, encoding: Encoding) -> None:
    """Send to a sink, or to a folder ("keep"), and keep the content beside the file.

    Or fetch by what is kept there.
    """
    held = DirectoryStore(path.parent / "store")
    kind = FolderParts if way == "keep" else Sink
    store = PartedStore(held, kind(held, path.parent / "uploads"))
    if way in {"send", "keep"}:
        with Engine(line=_LINE, memory_bytes=SEND_BYTES, encoding=encoding) as engine:
            content = send_file(store, path, project=PROJECT, key=KEY, engine=engine)[1]
        path.with_suffix(".json").write_text(json.dumps(content.to_json()))
    else:
        content = Content.from_json(json.loads(path.with_suffix(".json").read_text()))
        place_file(store, PROJECT, Entry(path="f", content=content), path.parent / "there")
    sys.stdout.write(str(_peak()))


def _peak() -> int:
    """Bytes since this program began; what `getrusage` says holds for the parent before, too."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    if most := int(*sys.argv[4:]):
        setattr(cut, "MOST_PARTS", most)  # noqa: B010  (it is the port's)
    main(sys.argv[1], Path(sys.argv[2]), Encoding(sys.argv[3]))
