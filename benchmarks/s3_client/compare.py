"""Our S3 store (botocore) and obstore (Rust), side by side on one SeaweedFS.

    uv pip install --target DIR obstore==0.12.1
    PYTHONPATH=DIR python benchmarks/s3_client/compare.py [--rounds 5]

200 objects of 20 KB and 4 of 64 MB are put and got, by 16 threads and by 4. Rounds are interleaved;
medians are printed, wall clock and this process's CPU. Both are told to put only what is absent,
where they can: obstore cannot for objects that go in parts.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from cryoem_cloud.ports.store import CHUNK_BYTES, Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.s3_servers import S3Server, weed

OBSTORE: Any = import_module("obstore")
"""No dependency of ours, and so not known to the type checker."""


@dataclass(frozen=True)
class Load:
    """Objects of one size, and how many threads move them."""

    name: str
    count: int
    size: int
    threads: int


LOADS = (Load("small", 200, 20_000, 16), Load("large", 4, 64_000_000, 4))


class Client(Protocol):
    """What is compared."""

    def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        ...

    def get(self, key: str) -> int:
        """Read an object; how many bytes came."""
        ...


@dataclass(frozen=True)
class Ours:
    """The store as our programs use it, with its checksums."""

    store: Store

    def put(self, key: str, data: bytes) -> None:
        """Store an object in pieces, as the mover does."""
        self.store.put_stream(key, _pieces(data), size=len(data), if_absent=True)

    def get(self, key: str) -> int:
        """Read an object in pieces."""
        return sum(map(len, self.store.get_stream(key)))


@dataclass(frozen=True)
class Theirs:
    """obstore, with its defaults: parts of 5 MiB, 12 at a time, no checksums."""

    store: Any

    def put(self, key: str, data: bytes) -> None:
        """Store an object; if-absent is refused for one in parts."""
        if len(data) > 16 * 1024 * 1024:
            OBSTORE.put(self.store, key, data)
        else:
            OBSTORE.put(self.store, key, data, mode="create")

    def get(self, key: str) -> int:
        """Read an object in pieces."""
        return sum(map(len, OBSTORE.get(self.store, key).stream(min_chunk_size=CHUNK_BYTES)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, weed(Path(folder)) as server:
        seen: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
        for number in range(rounds + 1):  # the first warms everything up
            for name, client in _clients(server).items():
                client.put(f"{name}/{number}", b"a client is made when it is first needed")
                for load in LOADS:
                    for verb, spent in _run(client, load, f"{name}/{number}"):
                        if number:
                            seen[load.name, verb, name].append(spent)
    for (load_name, verb, name), spents in sorted(seen.items()):
        walls, cpus = zip(*spents, strict=True)
        print(
            f"{load_name:6} {verb:4} {name:8} "
            f"wall {statistics.median(walls):6.2f} s ({min(walls):.2f} to {max(walls):.2f})  "
            f"CPU {statistics.median(cpus):6.2f} s"
        )


def _clients(server: S3Server) -> Mapping[str, Client]:
    url = server.bucket()
    theirs = OBSTORE.store.S3Store(
        url.removeprefix("s3://"),
        endpoint=server.endpoint,
        access_key_id=server.key,
        secret_access_key=server.secret,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    return {"botocore": Ours(open_store(url, env=server.env())), "obstore": Theirs(theirs)}


def _run(client: Client, load: Load, prefix: str) -> Iterator[tuple[str, tuple[float, float]]]:
    data = os.urandom(load.size)
    keys = [f"{prefix}/{load.name}/{number}" for number in range(load.count)]
    yield "put", _timed(load, [partial(client.put, key, data) for key in keys])
    yield "get", _timed(load, [partial(_get_all, client, key, load.size) for key in keys])


def _get_all(client: Client, key: str, size: int) -> None:
    if client.get(key) != size:
        raise RuntimeError(f"{key} did not come whole")


def _timed(load: Load, calls: Iterable[Callable[[], None]]) -> tuple[float, float]:
    started = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(load.threads) as pool:
        list(pool.map(lambda call: call(), calls))
    return time.monotonic() - started[0], time.process_time() - started[1]


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES))


if __name__ == "__main__":
    main()
