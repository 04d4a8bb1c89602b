"""Stored blocks of known bytes, written once: they must be read as these bytes for ever."""

import json
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.mover.codec import Gain

__all__ = ["VECTORS", "Vector"]


@dataclass(frozen=True, slots=True)
class Vector:
    name: str
    raw: bytes
    stored: bytes
    gain: Gain | None


def _read() -> tuple[Vector, ...]:
    read = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="ascii"))
    return tuple(
        Vector(
            name,
            bytes.fromhex(each["raw"]) * each["times"],
            bytes.fromhex(each["stored"]),
            Gain.of(each["gain"]["name"], bytes.fromhex(each["gain"]["frame"]))
            if "gain" in each
            else None,
        )
        for name, each in read.items()
    )


VECTORS = _read()
