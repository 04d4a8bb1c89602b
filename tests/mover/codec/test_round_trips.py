"""Whatever bytes come, in whatever way: they come back as they were."""

import struct
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cryoem_cloud.model.errors import CorruptObjectError
from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.codec import RAW, ZSTD, Way, decode_into, encoded, zstd
from cryoem_cloud.mover.codec.packed import STEP_BYTES
from cryoem_cloud.ports.parts import Buffer
from tests.mover.codec.samples import counts, mrc_header, normalised

WAYS = (
    RAW,
    ZSTD,
    Way("nibbles"),
    Way("counts16", {"bits": 4}),
    Way("counts16", {"bits": 8}),
    Way("planes2"),
    Way("planes4"),
)


def back(stored: Sequence[bytes], size: int) -> bytes:
    raw = bytearray(b"\xaa" * size)
    decode_into(b"".join(stored), memoryview(raw))
    return bytes(raw)


def way_in(stored: Sequence[bytes]) -> bytes:
    return stored[0].partition(b'"way":"')[2].partition(b'"')[0]


few_large = st.lists(
    st.integers(0, 15) | st.sampled_from([0, 1, 2, 3]) | st.integers(-128, 127), max_size=300
)
BYTES = (
    st.binary(max_size=300)
    | st.lists(st.integers(0, 15), max_size=400).map(bytes)
    | few_large.map(lambda found: np.array(found, np.int8).tobytes())
    | st.lists(st.integers(-(2**15), 2**15 - 1) | st.integers(0, 15), max_size=200).map(
        lambda found: np.array(found, "<i2").tobytes()
    )
    | st.lists(st.floats(width=32), max_size=100).map(lambda f: np.array(f, "<f4").tobytes())
    | st.lists(st.floats(width=16), max_size=100).map(lambda f: np.array(f, "<f2").tobytes())
)


@pytest.mark.parametrize("way", WAYS, ids=str)
@given(raw=BYTES, sparse=st.booleans(), start=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_any_bytes_come_back(way: Way, raw: bytes, *, sparse: bool, start: int) -> None:
    """Alone, and as a few among many zeros, so that they are exceptions; from odd addresses."""
    raw = raw + bytes(40 * len(raw)) if sparse else raw
    placed = memoryview(bytes(start) + raw)[start:]
    assert back(encoded(placed, way), len(raw)) == raw
    assert back(encoded(placed, way, plain=True), len(raw)) == raw


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, STEP_BYTES - 1, STEP_BYTES, 2 * STEP_BYTES + 3])
def test_sizes_around_the_steps(way: Way, size: int) -> None:
    movie = counts(1, 256).tobytes() * 34
    for raw in (movie[:size], np.frombuffer(movie, np.uint8).astype("<u2").tobytes()[:size]):
        assert back(encoded(raw, way), size) == raw


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_taken(kind: type) -> None:
    raw = normalised(1, 32)
    assert back(encoded(kind(raw.tobytes()), Way("planes4")), raw.nbytes) == raw.tobytes()
    assert back(encoded(raw.data, Way("planes4")), raw.nbytes) == raw.tobytes()
    values = np.zeros(raw.shape, raw.dtype)
    decode_into(b"".join(encoded(raw.data, Way("planes4"))), values.data)
    assert values.tobytes() == raw.tobytes()


@pytest.mark.parametrize(
    ("way", "dtype"), [(Way("nibbles"), "i1"), (Way("counts16", {"bits": 4}), "<i2")], ids=str
)
@pytest.mark.parametrize("extended", [0, 768, 20_000])
def test_a_header_and_hot_pixels_do_not_cost_the_ratio(way: Way, dtype: str, extended: int) -> None:
    movie = counts(4, 1024).view(np.int8).astype(dtype)
    head = mrc_header(1024, 1024, 4, mode=0, extended=extended)
    alone = encoded(movie.tobytes(), way)
    stored = encoded(head + movie.tobytes(), way)
    assert way_in(stored) == way.name.encode()
    assert sum(map(len, stored)) < 1.01 * sum(map(len, alone)) + 5.1 * len(head)
    assert back(stored, len(head) + movie.nbytes) == head + movie.tobytes()


def test_the_ratios_of_counts_are_near_the_bound() -> None:
    movie = counts(4, 1024)
    _, numbers = np.unique(movie, return_counts=True)
    share = numbers / numbers.sum()
    bound = -8 / (share * np.log2(share)).sum()
    for each, way, times in (
        (movie, Way("nibbles"), 1),
        (movie.astype("<u2"), Way("counts16", {"bits": 4}), 2),
    ):
        ratio = each.nbytes * times / sum(map(len, encoded(each.data, way))) / times
        assert ratio / each.itemsize > 0.95 * bound
        assert ratio > 1.25 * each.nbytes / sum(map(len, encoded(each.data, ZSTD)))


def test_negative_counts_are_exceptions() -> None:
    values = np.zeros(4096, "<i2")
    values[[7, 100, 4095]] = -1, 16, -32768
    stored = encoded(values.tobytes(), Way("counts16", {"bits": 4}))
    assert b'"exceptions":3' in stored[0]
    assert back(stored, values.nbytes) == values.tobytes()


@pytest.mark.parametrize(
    ("values", "way", "expected"),
    [
        (np.full(4096, 16, "u1"), Way("nibbles"), b"zstd"),
        (np.full(4096, 16, "<u2"), Way("counts16", {"bits": 4}), b"counts16"),
        (np.full(4096, 256, "<u2"), Way("counts16", {"bits": 4}), b"planes2"),
        (np.full(4096, 15, "<u2"), Way("counts16"), b"counts16"),
        (np.full(4096, 15, "u1"), RAW, b"zstd"),
        (np.full(4096, 15, "u1"), Way("of a later version"), b"zstd"),
    ],
)
def test_a_block_that_the_way_is_not_for(
    values: np.ndarray[tuple[int], np.dtype[np.uint8]], way: Way, expected: bytes
) -> None:
    stored = encoded(values.tobytes(), way)
    assert way_in(stored) == expected
    assert back(stored, values.nbytes) == values.tobytes()


def test_plain_is_a_zstd_frame_and_nothing_else() -> None:
    stored = encoded(counts(1, 64).tobytes(), Way("nibbles"), plain=True)
    assert b"".join(stored)[:4] == struct.pack("<I", 0xFD2FB528)
    assert back(stored, 64 * 64) == counts(1, 64).tobytes()


def test_noise_grows_by_next_to_nothing() -> None:
    noise = np.random.default_rng(5).bytes(STEP_BYTES)
    for way in WAYS:
        assert sum(map(len, encoded(noise, way))) < len(noise) + 256


def test_more_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 16777216 bytes, not 16777217"):
        encoded(bytes(BLOCK_BYTES + 1), ZSTD)


def test_a_whole_block_comes_back() -> None:
    raw = (counts(4, 2048).tobytes())[:BLOCK_BYTES]
    assert len(raw) == BLOCK_BYTES
    assert back(encoded(raw, Way("nibbles")), BLOCK_BYTES) == raw
    for way in (Way("planes4"), ZSTD):
        noise = np.random.default_rng(6).bytes(BLOCK_BYTES)
        assert back(encoded(noise, way), BLOCK_BYTES) == noise


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_bytes_that_change_meanwhile_are_not_given(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = bytearray(counts(1, 64).tobytes())
    whole = zstd.frame

    def late(payload: Iterable[Buffer], size: int, *, filtered: bool) -> list[bytes]:
        made = whole(payload, size, filtered=filtered)
        raw[4000] ^= 1
        return made

    monkeypatch.setattr(zstd, "frame", late)
    with pytest.raises(CorruptObjectError, match="another one after it was encoded"):
        encoded(raw, way)
