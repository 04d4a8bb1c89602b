"""Gain-normalised movies, for tests: how they are made, sent, and placed again."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np

from benchmarks.transfer.camera import camera
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.pull import place_file
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.memory import MemoryStore
from tests.mover.codec.samples import mrc_header
from tests.mover.parted import PartedStore

__all__ = [
    "PROJECT",
    "SIDE",
    "Movies",
    "Stores",
    "a_movie",
    "an_engine",
    "gains_in",
    "placed",
    "sent",
]

PROJECT = "ribosome-00000000"
SIDE, FRAMES = 1024, 12
Movies = tuple[Path, Path, Path]
Stores = MemoryStore | PartedStore


def a_movie(path: Path, *, seed: int = 1, gain: int = 7) -> Path:
    """A movie of 48 MiB of float32, with hot pixels and dead columns."""
    seen = camera(SIDE, 1.0, seed=gain)
    with path.open("wb") as file:
        file.write(mrc_header(SIDE, SIDE, FRAMES, mode=2))
        for frame in seen.frames(FRAMES, seed):
            file.write((frame.astype(np.float32) * seen.gain).tobytes())
    return path


def an_engine(gains: Path | None = None) -> Engine:
    journals = gains and gains.with_name("uploads")
    return Engine(memory_bytes=SEND_BYTES, encoding=Encoding.AUTO, journals=journals, streams=4)


def sent(store: Stores, path: Path, engine: Engine | None = None) -> Content:
    with nullcontext(engine) if engine else an_engine() as used:
        key = f"mirror/{path.name}"
        return keep_file(store, path, project=PROJECT, key=key, engine=used)[1]


def placed(store: Stores, content: Content, path: Path) -> bytes:
    content = Content.from_json(content.to_json())
    place_file(store, PROJECT, Entry(path="f", content=content), path)
    return path.read_bytes()


def gains_in(store: Stores) -> list[str]:
    return [item.key.removeprefix(f"{PROJECT}/") for item in store.list(f"{PROJECT}/gains/")]
