"""Stored bytes that are damaged, cut, or made to harm: refused, and at no great cost."""

import struct
import tracemalloc
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.model.record import JSON
from cryoem_cloud.mover.codec import ZSTD, Gain, Way, decode_into, encoded, padding
from cryoem_cloud.mover.codec.recipe import Recipe
from cryoem_cloud.mover.codec.zstd import zstd
from tests.mover.codec.samples import counts, gains, normalised
from tests.mover.codec.test_round_trips import WAYS

MOVIE = counts(4, 40).tobytes()
FLOATS = normalised(4, 40).tobytes()
GAIN = Gain.of("g", gains(40).data.cast("B"))
UNGAIN = (Way("ungain", {"pixels": 1600}), Way("ungain", {"pixels": 1600, "gain": "g"}))


def raw_of(way: Way) -> bytes:
    return FLOATS if way.name == "ungain" else MOVIE


def made(way: Way) -> tuple[bytes, int]:
    """A stored block, and its raw size."""
    gain = GAIN if "gain" in way.parameters else None
    return b"".join(encoded(raw_of(way), way, gain=gain)), len(raw_of(way))


def refused(stored: bytes, size: int, match: str | None = None) -> None:
    with pytest.raises(CorruptObjectError, match=match):
        decode_into(stored, memoryview(bytearray(size)), gain=GAIN)


def block(payload: bytes, size: int, way: str, fields: Mapping[str, JSON]) -> bytes:
    return Recipe(way, size, fields).frame() + zstd.compress(payload)


@pytest.mark.parametrize("way", [*WAYS, *UNGAIN], ids=str)
def test_cut_anywhere(way: Way) -> None:
    stored, size = made(way)
    for end in {*range(0, len(stored), max(1, len(stored) // 200)), len(stored) - 1}:
        refused(stored[:end], size)


@pytest.mark.parametrize("way", [*WAYS, *UNGAIN], ids=str)
def test_another_size(way: Way) -> None:
    stored, size = made(way)
    plain = b"".join(encoded(MOVIE, ZSTD, plain=True))
    for other in (0, 1, size - 1, size + 1):
        refused(stored, other, "a stored block holds")
    refused(plain, len(MOVIE) - 1, "holds too many bytes")
    refused(plain, len(MOVIE) + 1, "holds too few bytes")


@pytest.mark.parametrize("way", [*WAYS, *UNGAIN], ids=str)
def test_what_follows_is_refused(way: Way) -> None:
    stored, size = made(way)
    for more in (b"\0", b"".join(padding(8)), stored):
        refused(stored + more, size, "holds too many bytes")


@pytest.mark.parametrize("way", [*WAYS, *UNGAIN], ids=str)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damage_is_one_error_or_none(way: Way, data: st.DataObject) -> None:
    """In the frame it is found by zstd's checksum; in the recipe, by the file's digest at last."""
    stored, size = made(way)
    recipe = stored.index(b"}") + 1
    at = data.draw(st.integers(0, recipe + 20) | st.integers(0, len(stored) - 1))
    other = bytearray(stored)
    other[at] ^= data.draw(st.integers(1, 255))
    raw = bytearray(size)
    try:
        decode_into(other, memoryview(raw), gain=GAIN)
    except CorruptObjectError:
        return
    assert at < recipe or raw == raw_of(way)


@given(stored=st.binary(max_size=200), size=st.integers(0, 100))
@settings(max_examples=100, deadline=None)
def test_any_bytes(stored: bytes, size: int) -> None:
    refused(stored, size)
    refused(struct.pack("<II", 0x184D2A5C, len(stored)) + stored, size)


def head(said: bytes) -> bytes:
    return struct.pack("<II", 0x184D2A5C, len(said)) + said + zstd.compress(bytes(8))


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (b'{"kind":"block","v":2,"way":"zstd","raw":8}', "version 2.*update this one"),
        (b'{"kind":"block","v":0,"way":"zstd","raw":8}', "version 0"),
        (b'{"kind":"block","v":9,"way":"zstd","raw":8}', "cannot be read"),
        (b'{"kind":"block","v":1,"way":"zstd","raw":9}', "holds 9 bytes, not 8"),
        (b'{"kind":"block","v":1,"way":"zstd","raw":true}', "cannot be read"),
        (b'{"kind":"block","v":1,"way":"zstd","raw":8.0}', "cannot be read"),
        (b'{"kind":"block","v":1,"way":["zstd"],"raw":8}', "cannot be read"),
        (b'{"kind":"block","v":1,"way":"gzip","raw":8}', "unknown way, 'gzip'"),
        (b'{"kind":"block","v":1,"way":"nibbles","raw":8}', "cannot be read"),
        (b'{"kind":"block","v":1,"way":"counts16","raw":8,"bits":5,"exceptions":0}', "unknown way"),
        (b'{"kind":"block","v":1,"way":"counts16","raw":8,"bits":"4"}', "cannot be read"),
        (b'{"kind":"block","v":1,"way":"nibbles","raw":8,"exceptions":-1}', "exceptions -1"),
        (b'{"kind":"block","v":1,"way":"nibbles","raw":8,"exceptions":1}', "exceptions 1"),
        (b'{"kind":"block","v":1,"way":"ungain","raw":8,"pixels":0}', "a gain of 0 pixels"),
        (b'{"kind":"block","v":1,"way":"ungain","raw":8,"pixels":2}', "a gain of 2 pixels"),
        (b'{"kind":"block","v":1,"way":"ungain","raw":8,"pixels":99999999999}', "says pixels"),
        (b'{"kind":"block","v":1,"way":"ungain","raw":8,"pixels":1,"gain":"h"}', "needs the gain"),
        (b'{"kind":"block","v":1,"way":"ungain","raw":8,"pixels":1,"gain":["g"]}', "needs the gai"),
        (b'{"kind":"block","v":1,"way":"ungain","raw":8,"pixels":1,"gain":"g"}', "gain of 1 pixel"),
        (
            b'{"kind":"block","v":1,"way":"ungain","raw":8,"pixels":1600,"gain":"g","first":1600}',
            "says first",
        ),
        (b"[" * 4000, "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"kind":"block","v":1,"way":"zstd","raw":' + b"8" * 4000 + b"}", "holds 8{40} bytes"),
        (b" " * 4097, "no recipe in front"),
    ],
)
def test_recipes_that_are_off(said: bytes, match: str) -> None:
    refused(head(said), 8, match)


def positions(*found: int) -> bytes:
    return np.array(found, "<u4").tobytes()


@pytest.mark.parametrize("found", [(3, 2), (2, 2), (0, 100), (0, 2**32 - 1), (100, 2)])
@pytest.mark.parametrize(
    ("way", "width", "fields"),
    [
        ("nibbles", 1, {}),
        ("counts16", 2, {"bits": 4}),
        ("ungain", 4, {"gain": "g", "pixels": 1600, "first": 0}),
    ],
)
def test_exceptions_out_of_order(
    way: str, width: int, fields: Mapping[str, JSON], found: tuple[int, int]
) -> None:
    payload = positions(*found) + bytes(2 * width) + bytes(50)
    stored = block(payload, 100 * width, way, {"exceptions": 2, **fields})
    refused(stored, 100 * width, "out of order")
    fine = block(positions(2, 99) + payload[8:], 100 * width, way, {"exceptions": 2, **fields})
    decode_into(fine, memoryview(bytearray(100 * width)), gain=GAIN)


def test_more_than_was_said_costs_no_memory() -> None:
    """200 MB of zeros in 20 KB."""
    compressor = zstd.ZstdCompressor()
    bomb = [compressor.compress(bytes(2_000_000)) for _ in range(100)]
    bomb.append(compressor.flush())
    payload = b"".join(bomb)
    for way, fields in (
        ("zstd", {}),
        ("nibbles", {"exceptions": 0}),
        ("planes4", {}),
        ("ungain", {"gain": "g", "pixels": 1600, "first": 0, "exceptions": 0}),
    ):
        raw = memoryview(bytearray(1000))
        tracemalloc.start()
        with pytest.raises(CorruptObjectError, match="too many bytes"):
            decode_into(Recipe(way, 1000, fields).frame() + payload, raw, gain=GAIN)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2_000_000


def test_a_longer_window_than_a_block_is_refused() -> None:
    option = zstd.CompressionParameter.window_log
    compressor = zstd.ZstdCompressor(options={option: 25})
    stored = compressor.compress(bytes(1000)) + compressor.flush()
    refused(stored, 1000, "too much memory")
    compressor = zstd.ZstdCompressor(options={option: 24})
    stored = compressor.compress(bytes(1000)) + compressor.flush()
    decode_into(stored, memoryview(bytearray(1000)))


def test_a_block_in_one_segment_is_read() -> None:
    """As other programs may write it: its window is the whole block."""
    raw = counts(4, 2048).tobytes()
    assert len(raw) == BLOCK_BYTES
    stored = zstd.compress(raw, options={zstd.CompressionParameter.window_log: 24})
    target = bytearray(len(raw))
    decode_into(stored, memoryview(target))
    assert target == raw


@pytest.mark.parametrize("way", [Way("nibbles"), Way("planes4"), ZSTD], ids=str)
def test_memory_for_a_block_is_bounded(way: Way) -> None:
    """Beside the block itself and what is stored of it."""
    raw = memoryview(np.random.default_rng(7).bytes(BLOCK_BYTES))
    if way.name == "nibbles":
        raw = memoryview(counts(4, 2048).tobytes())
    target = memoryview(bytearray(len(raw)))
    encoded(raw[:1000], way)
    tracemalloc.start()
    pieces = encoded(raw, way)
    now, peak = tracemalloc.get_traced_memory()
    assert peak - now < 6 * 2**20
    stored = b"".join(pieces)
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    decode_into(stored, target)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < 6 * 2**20


@pytest.mark.parametrize("size", [8, 9, 5 * 2**20])
def test_padding_is_a_frame_of_exactly_so_many_bytes_and_takes_no_memory(size: int) -> None:
    pieces = padding(size)
    assert len({id(memoryview(piece).obj) for piece in pieces}) <= 2
    made = b"".join(pieces)
    assert len(made) == size
    assert zstd.decompress(made + zstd.compress(b"abc") + made) == b"abc"


def test_less_than_a_frame_is_no_padding() -> None:
    with pytest.raises(ValueError, match="at least 8 bytes, not 7"):
        padding(7)
