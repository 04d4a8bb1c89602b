"""obstore as a mover: it is a library, and this the shortest program around its best calls.

    python obstore_client.py up|down|sync FOLDER PREFIX ENDPOINT STREAMS

Runs with the rivals' Python. Uploads in parts of 16 MiB, four of a file at a time; downloads ranges
of 16 MiB; syncs by size. It ends at once when it is done, because CPython 3.11 aborts otherwise.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

OBSTORE: Any = import_module("obstore")
"""No dependency of ours, and so not known to the type checker."""
PART_BYTES = 16 * 1024 * 1024


def files_below(folder: str) -> Iterator[tuple[str, int]]:
    """Files' paths and sizes."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from files_below(entry.path)
        else:
            yield entry.path, entry.stat().st_size


class Mover:
    """Moves one folder's files."""

    def __init__(self, store: Any, folder: str, prefix: str, streams: int) -> None:  # noqa: ANN401
        self._store, self._folder, self._prefix = store, folder, prefix
        self._free = asyncio.Semaphore(streams)

    async def up(self) -> None:
        """Send all."""
        await asyncio.gather(*(self._put(*each) for each in files_below(self._folder)))

    async def down(self) -> None:
        """Fetch all."""
        held = await self._listed()
        await asyncio.gather(*(self._get(*each) for each in held.items()))

    async def sync(self) -> None:
        """Send what is not there in its size."""
        held = await self._listed()
        differ = (
            (path, size)
            for path, size in files_below(self._folder)
            if held.get(self._key(path)) != size
        )
        await asyncio.gather(*(self._put(*each) for each in differ))

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{os.path.relpath(path, self._folder)}"

    async def _listed(self) -> dict[str, int]:
        found = {}
        async for page in OBSTORE.list(self._store, prefix=f"{self._prefix}/", chunk_size=5000):
            found.update({each["path"]: each["size"] for each in page})
        return found

    async def _put(self, path: str, size: int) -> None:
        async with self._free:
            if size <= PART_BYTES:
                data = Path(path).read_bytes()  # noqa: ASYNC240  (as its documentation does)
                await OBSTORE.put_async(self._store, self._key(path), data, use_multipart=False)
            else:
                await OBSTORE.put_async(
                    self._store,
                    self._key(path),
                    Path(path),
                    chunk_size=PART_BYTES,
                    max_concurrency=4,
                )

    async def _get(self, key: str, size: int) -> None:
        path = Path(self._folder, key.removeprefix(f"{self._prefix}/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
        starts = range(0, size, PART_BYTES)
        try:
            await asyncio.gather(*(self._range(key, file, at, size) for at in starts))
        finally:
            os.close(file)

    async def _range(self, key: str, file: int, start: int, size: int) -> None:
        end = min(start + PART_BYTES, size)
        async with self._free:
            data = await OBSTORE.get_range_async(self._store, key, start=start, end=end)
            os.pwrite(file, data, start)


async def move(verb: str, folder: str, *, prefix: str, endpoint: str, streams: int) -> None:
    """Do it."""
    store = import_module("obstore.store").S3Store(
        "rivals",
        endpoint=endpoint,
        virtual_hosted_style_request=False,
        unsigned_payload=True,
        client_options={
            "allow_http": True,
            "timeout": "600s",
            "allow_invalid_certificates": endpoint.startswith("https"),
        },
    )
    mover = Mover(store, folder, prefix, streams)
    await {"up": mover.up, "down": mover.down, "sync": mover.sync}[verb]()


if __name__ == "__main__":
    what, where, below, server, many = sys.argv[1:]
    asyncio.run(move(what, where, prefix=below, endpoint=server, streams=int(many)))
    sys.stdout.flush()
    os._exit(0)
