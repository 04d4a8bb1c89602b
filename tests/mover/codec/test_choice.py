"""Which way is chosen for what, by a sample."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cryoem_cloud.mover.codec import RAW, ZSTD, Gain, Movie, chosen, kind_of, tried
from tests.mover.codec.samples import counts, gains, mrc_header, normalised, text

MOVIE = counts(4, 512)


def tiff(compression: str | None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(counts(1, 1024)[0]).save(file, "tiff", compression=compression)
    return file.getvalue()[2**16 : 2**18]


def micrograph(dtype: str) -> bytes:
    """Neighbours resemble each other, and no value comes twice."""
    noise = np.random.default_rng(1).normal(20, 5, (512, 512))
    return (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)).astype(dtype).tobytes()


@pytest.mark.parametrize(
    ("name", "sample", "way", "ratio"),
    [
        ("m.mrc", MOVIE.tobytes(), "nibbles", 4.0),
        ("m.mrc", counts(4, 512, mean=0.5).tobytes(), "nibbles", 5.0),
        ("m.mrc", MOVIE.astype("<u2").tobytes(), "counts16", 8.0),
        ("m.mrc", (MOVIE.astype("<u2") * 7 + 1).tobytes(), "counts16", 5.0),
        ("m.mrc", micrograph("<f4"), "planes4", 1.2),
        ("m.mrc", micrograph("<f2"), "planes2", 1.1),
        ("m.mrc", normalised(4, 256).tobytes(), "planes4", 1.4),
        ("m.tif", tiff(None), "nibbles", 4.0),
        ("p.star", text(20_000), "zstd", 2.5),
        ("m.tif", tiff("tiff_lzw"), "raw", 1.0),
        ("m.eer", np.random.default_rng(2).bytes(2**20), "raw", 1.0),
        ("empty", b"", "raw", 1.0),
        ("short", b"x", "raw", 1.0),
    ],
)
def test_what_is_chosen(name: str, sample: bytes, way: str, ratio: float) -> None:
    found = chosen(name, sample)
    assert found.way.name == way
    assert found.ratio >= ratio
    assert found.bytes_per_s > 1e6


def test_plain_is_zstd_or_nothing() -> None:
    assert chosen("m.mrc", MOVIE.tobytes(), plain=True).way == ZSTD
    assert chosen("m.eer", np.random.default_rng(2).bytes(2**20), plain=True).way == RAW


def test_a_known_gain_is_tried_on_a_whole_block() -> None:
    movie, gain = normalised(40, 128), Gain.of("g", gains(128).data.cast("B"))
    found = tried(movie.data, Movie(128 * 128, 0, 40).way(gain), gain=gain)
    assert found.ratio > 12
    other = Gain.of("other", gains(128, seed=5).data.cast("B"))
    assert tried(movie.data, Movie(128 * 128, 0, 40).way(other), gain=other).ratio < 2


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("Movies/a.mrc", mrc_header(64, 64, 9, mode=0), ".mrc:0"),
        ("Movies/a.MRCS", mrc_header(64, 64, 9, mode=12), ".mrcs:12"),
        ("a.mrc", b"", ".mrc"),
        ("a.tif", b"II*\0", ".tif"),
        ("a.mrc.bz2", b"BZ", ".bz2"),
        ("frames.0001", b"", "other"),
        ("run_it025", b"", "other"),
        (".hidden", b"", "other"),
        ("a.mrc", mrc_header(64, 64, 9, mode=-1), ".mrc:-1"),
    ],
)
def test_kinds(name: str, head: bytes, kind: str) -> None:
    assert kind_of(name, head) == kind


def test_importing_the_codec_imports_neither_numpy_nor_zstd() -> None:
    code = (
        "import sys, cryoem_cloud.mover.codec\n"
        "print(*{'numpy', 'backports.zstd', 'compression.zstd'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not ran.stdout.split()


def test_noise_is_told_without_numpy() -> None:
    code = (
        "import os, sys\n"
        "from cryoem_cloud.mover.codec import RAW, chosen\n"
        "assert chosen('a.tif', os.urandom(1 << 20)).way == RAW\n"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
