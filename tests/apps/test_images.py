"""Headers of real files, and of files that are cut off or lie."""

import io
import struct
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.images import Frames, frames_of

_FRAMES = np.zeros((5, 40, 30), dtype=np.uint8)


def told(path: Path) -> Frames | None:
    with path.open("rb") as file:
        return frames_of(file, path.name)


@pytest.mark.parametrize("name", ["a.mrc", "b.mrcs", "C.MRC"])
def test_an_mrc_stack(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with mrcfile.new(path) as file:
        file.set_data(_FRAMES.astype(np.float32))
    assert told(path) == Frames(30, 40, 5, path.stat().st_size)


def test_an_mrc_stack_of_the_other_order_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(struct.pack(">4i", 30, 40, 5, 2).ljust(1024, b"\0"))
    found = told(path)
    assert found is not None
    assert (found.pixels, found.count) == (1200, 5)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_movie_as_cameras_write_it(tmp_path: Path, order: str, *, big: bool) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as file:  # type: ignore[arg-type]
        for frame in _FRAMES:
            file.write(frame, compression="deflate", contiguous=False)
    assert told(path) == Frames(30, 40, 5, path.stat().st_size)


def test_electron_events_have_many_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.eer"
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for _ in range(400):
            file.write(np.zeros((16, 16), dtype=np.uint8), contiguous=False)
    assert told(path) == Frames(16, 16, 400, path.stat().st_size)


def test_a_chain_of_directories_that_goes_in_circles_ends() -> None:
    entry = struct.pack("<HHII", 256, 3, 1, 30) + struct.pack("<HHII", 257, 3, 1, 40)
    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2) + entry + struct.pack("<I", 8)
    assert frames_of(io.BytesIO(data), "a.tif") == Frames(30, 40, 1, len(data))


@given(
    st.sampled_from(("a.mrc", "a.tif", "a.eer", "a.txt")),
    st.sampled_from((b"", b"II*\0\x08\0\0\0", b"MM\0+", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0")),
    st.binary(max_size=200),
)
def test_whatever_stands_in_a_file_is_an_answer_or_none(
    name: str, start: bytes, rest: bytes
) -> None:
    found = frames_of(io.BytesIO(start + rest), name)
    assert found is None or min(found.width, found.height, found.count) > 0
