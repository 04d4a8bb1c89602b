"""Large files to real S3 servers and back."""

import random
from pathlib import Path

import pytest

from cryoem_cloud.agent.fetch import lay_out
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.file import BLOCK_BYTES, Entry
from cryoem_cloud.mover.engine import FETCH_BYTES, SEND_BYTES, Engine, Line
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.s3_servers import S3Server
from tests.mover.codec.samples import mrc_header, normalised


class BreakError(CryoemError):
    """The user interrupts."""


@pytest.fixture(params=["weed_server", "ministack_server"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found: S3Server = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("encoding", Encoding)
def test_a_large_file_is_sent_after_a_break_and_comes_back(
    server: S3Server, tmp_path: Path, encoding: Encoding
) -> None:
    store = open_store(server.bucket(), env=server.env())
    path = tmp_path / "movie.mrc"
    counts = random.Random(5).randbytes(8 * BLOCK_BYTES + 5)
    path.write_bytes(bytes(1024) + counts.translate(bytes(n % 4 for n in range(256))))
    told: list[int] = []

    def interrupt(size: int) -> None:
        told.append(size)
        raise BreakError("stopped")

    def kept(engine: Engine) -> Entry:
        content = keep_file(store, path, project="p", key="mirror/m", engine=engine)[1]
        return Entry(path="m", content=content)

    cache = tmp_path / "cache"
    line = Line(beyond_bytes_per_s=1e8)  # a server here may be faster than encoding
    with Engine(memory_bytes=SEND_BYTES, encoding=encoding, journals=cache, line=line) as engine:
        with pytest.raises(BreakError):
            keep_file(store, path, project="p", key="mirror/m", engine=engine, moved=interrupt)
        entry = kept(engine)
        assert kept(engine) == entry
    with Engine(memory_bytes=FETCH_BYTES) as engine:
        fetch_files(store, "p", [(entry, tmp_path / "there" / "m")], engine=engine)
    assert (tmp_path / "there" / "m").read_bytes() == path.read_bytes()
    assert told
    assert entry.content
    assert bool(entry.content.codecs) == (encoding is not Encoding.NONE)


def test_a_machine_lays_out_a_movie_that_was_divided_by_its_gain(
    server: S3Server, tmp_path: Path
) -> None:
    store = open_store(server.bucket(), env=server.env())
    path = tmp_path / "movie.mrc"
    path.write_bytes(mrc_header(1024, 1024, 8, mode=2) + normalised(8, 1024).tobytes())
    with Engine(memory_bytes=SEND_BYTES, encoding=Encoding.AUTO) as engine:
        content = keep_file(store, path, project="p", key="mirror/m", engine=engine)[1]
    assert [item.key for item in store.list("p/gains/")] == [f"p/{content.gain}"]
    assert content.size > 10 * content.stored
    entry = Entry(path="Movies/m.mrc", content=content)
    lay_out([entry], store=store, project="p", root=tmp_path / "job", outputs=())
    assert (tmp_path / "job/Movies/m.mrc").read_bytes() == path.read_bytes()
