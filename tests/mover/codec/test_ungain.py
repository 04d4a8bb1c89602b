"""Gain-normalised movies: the gain is learnt, the counts are kept, and every bit comes back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.codec import Gain, Movie, Way, decode_into, encoded, learn, movie_of, settle
from tests.mover.codec.samples import gains, mrc_header, normalised

SIDE = 64
PIXELS = SIDE * SIDE
FRAME = 4 * PIXELS


def learnt(raw: bytes, movie: Movie, cut: int) -> NDArray[np.float32]:
    """The gain of a file that is read `cut` bytes at a time."""
    gain = np.full(movie.pixels, np.inf, np.float32)
    for start in range(0, len(raw), cut):
        learn(gain, raw[start : start + cut], movie, start)
    settle(gain)
    return gain


def movie(frames: int, header: int = 1024) -> tuple[bytes, Movie]:
    head = mrc_header(SIDE, SIDE, frames, mode=2, extended=header - 1024)
    raw = head + normalised(frames, SIDE).tobytes()
    found = movie_of("m.mrc", head)
    assert found == Movie(pixels=PIXELS, header=header, frames=frames)
    return raw, found


def back(stored: list[bytes], size: int, gain: Gain | None = None) -> bytes:
    raw = bytearray(size)
    decode_into(b"".join(stored), memoryview(raw), gain=gain)
    return bytes(raw)


@pytest.mark.parametrize("cut", [FRAME // 4, 1000, 3 * FRAME + 4096, 10**9])
def test_the_gain_is_learnt_from_blocks_of_any_size(cut: int) -> None:
    raw, found = movie(40)
    gain, true = learnt(raw, found, cut), gains(SIDE).ravel()
    assert (gain == true).mean() > 0.995
    assert (gain[true == 0] == 0).all()


@pytest.mark.parametrize("cut", [FRAME // 4, FRAME // 2 + 4, 3 * FRAME + 1000])
@pytest.mark.parametrize("header", [1024, 1024 + 7680])
def test_blocks_smaller_and_larger_than_frames(cut: int, header: int) -> None:
    raw, found = movie(40, header)
    gain = Gain.of("blake3:1", learnt(raw, found, 10**9).data.cast("B"))
    way, total = found.way(gain), 0
    for start in range(0, len(raw), cut):
        block = raw[start : start + cut]
        stored = encoded(block, way, start=start, gain=gain)
        assert back(stored, len(block), gain) == block
        if start >= header:
            assert b'"way":"ungain"' in stored[0]
            assert b'"gain":"blake3:1"' in stored[0]
            total += sum(map(len, stored))
    assert len(raw) > 9 * total


def test_a_block_of_whole_frames_brings_its_own_gain() -> None:
    raw, found = movie(40)
    block = raw[found.header :]
    stored = encoded(block, found.way())
    assert b'"way":"ungain"' in stored[0]
    assert b'"gain"' not in stored[0]
    assert back(stored, len(block)) == block
    assert len(block) > 8 * sum(map(len, stored))


def test_a_block_with_a_single_frame_cannot() -> None:
    raw, found = movie(2)
    stored = encoded(raw[found.header :][:FRAME], found.way())
    assert b'"way":"planes4"' in stored[0]
    assert back(stored, FRAME) == raw[found.header :][:FRAME]


def test_another_gain_is_seen_and_costs_only_the_ratio() -> None:
    raw, found = movie(2)
    other = Gain.of("other", gains(SIDE, seed=9).data.cast("B"))
    stored = encoded(raw, found.way(other), gain=other)
    assert b'"way":"planes4"' in stored[0]
    assert back(stored, len(raw)) == raw


def test_pixels_that_were_corrected_are_exceptions() -> None:
    """A camera's defects become means of their neighbours."""
    frames = normalised(4, SIDE)
    frames[:, 5, 7] = 0.123
    frames[:, 9, :3] = np.nan, -0.0, -1
    gain = Gain.of("g", gains(SIDE).data.cast("B"))
    stored = encoded(frames.tobytes(), Way("ungain", {"pixels": PIXELS, "gain": "g"}), gain=gain)
    assert b'"way":"ungain"' in stored[0]
    assert back(stored, frames.nbytes, gain) == frames.tobytes()


BITS = st.integers(0, 2**32 - 1) | st.sampled_from(
    [0, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 0xFFFFFFFF, 0x3F800000, 1]
)


@given(
    gain=st.lists(st.floats(0.5, 2.0, width=32).map(float), min_size=1, max_size=9),
    counts=st.lists(st.integers(0, 15), min_size=96, max_size=150),
    odd=st.dictionaries(st.integers(0, 95), BITS, max_size=3),
    wrong=st.none() | BITS,
    tail=st.binary(max_size=3),
)
@settings(max_examples=80, deadline=None)
def test_any_bits_come_back(
    gain: list[float], counts: list[int], *, odd: dict[int, int], wrong: int | None, tail: bytes
) -> None:
    """Values, and a pixel's gain, that are no numbers, negative, denormal."""
    frame = np.array(gain, "<f4")
    values = np.array(counts, "<f4") * np.resize(frame, len(counts))
    values.view("<u4")[list(odd)] = list(odd.values())
    if wrong is not None:
        frame.view("<u4")[0] = wrong
    raw = values.tobytes() + tail
    known = Gain.of("g", frame.data.cast("B"))
    shared = Way("ungain", {"pixels": len(gain), "gain": "g"})
    stored = encoded(raw, shared, gain=known)
    assert (b'"way":"ungain"' in stored[0]) or wrong is not None
    assert back(stored, len(raw), known) == raw
    assert back(encoded(raw, shared, start=len(raw), gain=known), len(raw), known) == raw
    assert back(encoded(raw, Way("ungain", {"pixels": len(gain)})), len(raw)) == raw


@given(raw=st.binary(max_size=500), pixels=st.integers(1, 130))
@settings(max_examples=80, deadline=None)
def test_any_bytes_come_back(raw: bytes, pixels: int) -> None:
    way = Way("ungain", {"pixels": pixels})
    assert back(encoded(raw, way), len(raw)) == raw


def test_a_whole_block_of_several_frames() -> None:
    raw = normalised(4, 1024).tobytes()
    assert len(raw) == BLOCK_BYTES
    stored = encoded(raw, Way("ungain", {"pixels": 1024 * 1024}))
    assert b'"way":"ungain"' in stored[0]
    assert back(stored, len(raw)) == raw
    assert len(raw) > 3.5 * sum(map(len, stored))


@pytest.mark.parametrize("mean", [0.3, 1.0, 3.0])
def test_few_frames_are_enough(mean: float) -> None:
    """Pixels on which single electrons never came alone are found by what the others have."""
    raw, true = normalised(8, SIDE, mean=mean), gains(SIDE).ravel()
    gain = np.full(PIXELS, np.inf, np.float32)
    learn(gain, raw.data, Movie(PIXELS, 0, 8), 0)
    settle(gain)
    seen = (raw.reshape(8, -1) > 0).any(axis=0)
    assert (gain == true)[seen].mean() > 0.99
    assert not gain[~seen].any()


def test_nothing_was_seen() -> None:
    gain = np.full(5, np.inf, np.float32)
    settle(gain)
    assert gain.tolist() == [0] * 5


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("m.tif", mrc_header(64, 64, 9, mode=2)),
        ("m.mrc", mrc_header(64, 64, 9, mode=1)),
        ("m.mrc", mrc_header(64, 64, 1, mode=2)),
        ("m.mrc", mrc_header(64, -64, 9, mode=2)),
        ("m.mrc", mrc_header(2**31 - 1, 2**31 - 1, 9, mode=2)),
        ("m.mrc", mrc_header(64, 64, 9, mode=2, extended=3)),
        ("m.mrc", mrc_header(64, 64, 9, mode=2)[:1000]),
        ("m.mrc", b""),
    ],
)
def test_what_is_no_movie_of_floats(name: str, head: bytes) -> None:
    assert movie_of(name, head) is None
