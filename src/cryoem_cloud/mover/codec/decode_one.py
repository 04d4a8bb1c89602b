"""Give a file back as it was before cryoem stored it. This script needs nothing of cryoem.

    python3 decode_one.py STORED FILE

It needs Python 3.9 or newer and any one of: Python 3.14, the package backports.zstd, the package
zstandard, the program zstd. What it reads is described in docs/reference/stored-files.md. A movie
that needs a gain finds it in gains/ of the project's folder, if that is beside mirror/, as it is in
a copy of the store; else give it with --gain.
"""

from __future__ import annotations

import argparse
import importlib
import json
import mmap
import re
import shutil
import struct
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterator
from functools import cache, partial
from operator import mul
from pathlib import Path
from typing import Any

__all__ = ["main", "restore"]

FRAME, RECIPE = 0xFD2FB528, 0x184D2A5C
HEAD = struct.Struct("<II")
STEP = 1024 * 1024
NIBBLE = 4
LOW = bytes(byte & 15 for byte in range(256))
HIGH = bytes(byte >> 4 for byte in range(256))
Fields = dict[str, object]


class BrokenError(Exception):
    """What was read is no stored file."""


def number(fields: Fields, name: str) -> int:
    """A whole number in a recipe."""
    found = fields.get(name)
    if not isinstance(found, int) or found < 0:
        raise BrokenError(f"a recipe without {name}: {fields}")
    return found


def zstd() -> Callable[[bytes], bytes]:
    """What takes a zstd frame and gives its content."""
    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        return partial(package, module)
    return program


def package(module: Any, frame: bytes) -> bytes:  # noqa: ANN401  (one of three)
    """The content of a zstd frame, by a package."""
    try:
        opened = module.ZstdDecompressor()
        if hasattr(opened, "decompressobj"):  # as zstandard has it
            opened = opened.decompressobj()
        return bytes(opened.decompress(frame))
    except module.ZstdError as error:
        raise BrokenError(f"zstd says: {error}") from error


def program(frame: bytes) -> bytes:
    """The content of a zstd frame, by the program zstd."""
    path = shutil.which("zstd")
    if path is None:
        raise BrokenError("no zstd: install the program zstd, or pip install backports.zstd")
    done = subprocess.run([path, "-dcq"], input=frame, capture_output=True, check=False)
    if done.returncode:
        raise BrokenError(f"zstd says: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def frame_end(data: mmap.mmap | bytes, at: int) -> int:
    """Where the zstd frame ends that begins at `at` (RFC 8878, 3.1.1)."""
    descriptor = data[at + 4]
    single, checked = descriptor >> 5 & 1, descriptor >> 2 & 1
    content = (single, 2, 4, 8)[descriptor >> 6]
    at += 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + content
    last = 0
    while not last and at < len(data):
        block = int.from_bytes(data[at : at + 3], "little")
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        at += 3 + (1 if kind == 1 else size)
    end = at + 4 * checked
    if not last or end > len(data):
        raise BrokenError("the file ends too early")
    return end


def blocks(data: mmap.mmap | bytes, start: int, end: int) -> Iterator[tuple[Fields, bytes]]:
    """Recipes and the zstd frames after them; a frame without one is a plain one."""
    fields: Fields = {"way": "zstd"}
    while start < end:
        if end - start < HEAD.size:
            raise BrokenError("the file ends too early")
        magic, length = HEAD.unpack_from(data, start)
        if magic == FRAME:
            stop = frame_end(data, start)
            yield fields, data[start:stop]
            fields = {"way": "zstd"}
        elif magic >> 4 == RECIPE >> 4:
            stop = start + HEAD.size + length
            if magic == RECIPE:
                fields = json.loads(data[start + HEAD.size : stop])
        else:
            raise BrokenError(f"no zstd frame at byte {start}: was the file stored as it is?")
        if stop > end:
            raise BrokenError("the file ends too early")
        start = stop


def nibbles(packed: bytes, values: int) -> bytes:
    """A byte for each of two counts that share one."""
    made = bytearray(2 * len(packed))
    made[0::2], made[1::2] = packed.translate(LOW), packed.translate(HIGH)
    return bytes(made[:values])


def counts(payload: bytes, fields: Fields, width: int, bits: int) -> bytes:
    """Ways nibbles and counts16."""
    values, tail = divmod(number(fields, "raw"), width)
    places, others, packed = exceptions(payload, fields, width)
    end = (values * bits + 7) // 8
    made = bytearray(values * width)
    made[0::width] = nibbles(packed[:end], values) if bits == NIBBLE else packed[:end]
    put(made, places, others, width)
    return bytes(made) + last(packed, end, tail)


def exceptions(payload: bytes, fields: Fields, width: int) -> tuple[array[int], bytes, bytes]:
    """Positions of exceptions, their bytes, and the rest of the payload."""
    many = number(fields, "exceptions")
    places = array("I", payload[: 4 * many])
    if sys.byteorder == "big":
        places.byteswap()
    return places, payload[4 * many : (4 + width) * many], payload[(4 + width) * many :]


def last(packed: bytes, end: int, tail: int) -> bytes:
    """The tail, which ends a payload."""
    if len(packed) != end + tail:
        raise BrokenError("a block is too short or too long")
    return packed[end:]


def put(made: bytearray, places: array[int], others: bytes, width: int) -> None:
    """Put exceptions where they belong."""
    for row, place in enumerate(places):
        if (place + 1) * width > len(made):
            raise BrokenError("an exception lies outside its block")
        made[place * width : (place + 1) * width] = others[row * width : (row + 1) * width]


def planes(payload: bytes, width: int) -> bytes:
    """Ways planes2 and planes4."""
    made = bytearray(payload)
    end = len(payload) - len(payload) % width
    for start in range(0, end, STEP):
        stop = min(start + STEP, end)
        each = (stop - start) // width
        for plane in range(width):
            first = start + plane * each
            made[start + plane : stop : width] = payload[first : first + each]
    return bytes(made)


def ungain(payload: bytes, fields: Fields, gain: bytes) -> bytes:
    """Way ungain."""
    values, tail = divmod(number(fields, "raw"), 4)
    pixels, first = number(fields, "pixels"), 0
    if "gain" in fields:
        first = number(fields, "first")
    else:
        gain, payload = planes(payload[: 4 * pixels], 4), payload[4 * pixels :]
    if len(gain) != 4 * pixels or not pixels:
        raise BrokenError(f"the gain {fields.get('gain')} is needed: give it with --gain")
    places, others, packed = exceptions(payload, fields, 4)
    end = (values + 1) // 2
    here = gain[4 * first : 4 * (first + values)]
    while len(here) < 4 * values:
        here += gain[: 4 * values - len(here)]
    factors = array("f", here)
    if sys.byteorder == "big":
        factors.byteswap()
    again = array("f", map(mul, nibbles(packed[:end], values), factors))
    if sys.byteorder == "big":
        again.byteswap()
    made = bytearray(again.tobytes())
    put(made, places, others, 4)
    return bytes(made) + last(packed, end, tail)


def decoded(payload: bytes, fields: Fields, gain: bytes) -> bytes:
    """A block's bytes as they were."""
    block = unfiltered(payload, fields, gain)
    if "raw" in fields and len(block) != number(fields, "raw"):
        raise BrokenError("a block is too short or too long")
    return block


def unfiltered(payload: bytes, fields: Fields, gain: bytes) -> bytes:
    """What a block's filter was given."""
    way = fields.get("way")
    if way == "zstd":
        return payload
    if fields.get("v") != 1:
        raise BrokenError(f"version {fields.get('v')}: a newer decoder is needed")
    if way == "nibbles":
        return counts(payload, fields, 1, 4)
    if way == "counts16":
        return counts(payload, fields, 2, number(fields, "bits"))
    if way in {"planes2", "planes4"}:
        return planes(payload, 2 if way == "planes2" else 4)
    if way == "ungain":
        return ungain(payload, fields, gain)
    raise BrokenError(f"unknown way {way}: a newer decoder is needed")


def gain_at(path: Path) -> bytes:
    """A gain that lies there as it does in the store, or unpacked."""
    data, unpack = path.read_bytes(), zstd()
    if data[:4] != HEAD.pack(RECIPE, 0)[:4]:
        return data
    rows = blocks(data, 0, len(data))
    return b"".join(decoded(unpack(frame), fields, b"") for fields, frame in rows)


def gains(stored: Path, given: Path | None) -> Callable[[Fields], bytes]:
    """What finds the gain that a block names: the one that was given, or one above the object."""

    @cache
    def found(name: str) -> bytes:
        above = [folder / name for folder in stored.resolve().parents]
        places = [given] if given else [place for place in above if place.is_file()]
        return gain_at(places[0]) if places else b""

    def find(fields: Fields) -> bytes:
        name = fields.get("gain")
        if given or (isinstance(name, str) and re.fullmatch("gains/[0-9a-f]{64}", name)):
            return found(str(name))
        return b""

    return find


def restore(
    stored: Path, file: Path, *, start: int, length: int, gain: Callable[[Fields], bytes]
) -> None:
    """Write `file` as it was, whole or not at all."""
    unpack = zstd()
    with (
        stored.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        end = len(data) if length < 0 else start + length
        with file.open("xb") as made:
            try:
                for fields, frame in blocks(data, start, min(end, len(data))):
                    made.write(decoded(unpack(frame), fields, gain(fields)))
            except BaseException:
                file.unlink()
                raise


def main() -> None:
    """Read the command line."""
    say = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    say.add_argument("stored", type=Path, help="the object, as it lies in the store")
    say.add_argument("file", type=Path, help="what to write; it must not exist")
    say.add_argument("--start", type=int, default=0, help="where the file begins in the object")
    say.add_argument("--length", type=int, default=-1, help="how many bytes of the object it has")
    say.add_argument("--gain", type=Path, help="the gain that the file's entry names")
    chosen = say.parse_args()
    try:
        gain = gains(chosen.stored, chosen.gain)
        restore(chosen.stored, chosen.file, start=chosen.start, length=chosen.length, gain=gain)
    except (BrokenError, ValueError, IndexError, OSError) as error:
        sys.exit(f"{chosen.stored}: {error}")


if __name__ == "__main__":
    main()
